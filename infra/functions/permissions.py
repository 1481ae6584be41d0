"""What functions are given: environment variables and what a role may do. Each one's share is beside what it serves."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from infra.stages.settings import Settings
from infra.storage.live_settings import parameter_arn
from infra.storage.stack import Storage
from tasks.shared.indexes import INDEXES, OLD_INDEXES
from tasks.shared.live_settings import parameter_name

READ = ("s3:GetObjectVersion",)
"""An original is always read by its version."""
FIND = ("s3:GetObject", *READ)
"""To learn which version is the newest, and to read it."""
TAKE = (*READ, "s3:DeleteObjectVersion")
"""To copy an object, then to remove the very version that was copied."""
TAKE_TAGS = ("s3:GetObjectVersionTagging",)
"""Those that callers gave; what was unpacked has none."""
KEEP = ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")
"""To write a copy, in parts where it is large, and to verify it."""
TABLE_AND_PLACES = ("TABLE_NAME", "INGEST_BUCKET", "EXPANDED_BUCKET", "ARCHIVE_BUCKET", "QUARANTINE_BUCKET")
RECORD = ("dynamodb:GetItem", "dynamodb:UpdateItem")
LIVE = ("LIVE_SETTINGS", "POWERTOOLS_PARAMETERS_MAX_AGE")


@dataclass(frozen=True)
class Needs:
    """One function's share. All `statements` allow."""

    environment: Mapping[str, str]
    statements: list[iam.PolicyStatement]

    def more(self, environment: Mapping[str, str], *statements: iam.PolicyStatement) -> "Needs":
        """These, and others."""
        return Needs({**self.environment, **environment}, [*self.statements, *statements])


class Resources:
    """What a stage's functions can be allowed to use, by ARN, and the variables that tell them of it.

    What starts executions is told of the alias, and let start it, where that is made.
    """

    def __init__(self, storage: Storage, settings: Settings, *, machine: str, executions: str) -> None:
        """`machine` is the ARN of the ingest state machine, `executions` that of its executions."""
        self.storage, self.settings = storage, settings
        self.ingest, self.expanded, self.output, self.archive, self.quarantine = (
            storage.export_value(bucket.bucket_arn)
            for bucket in (storage.ingest, storage.expanded, storage.output, storage.archive, storage.quarantine)
        )
        self.operations = storage.export_value(storage.operations.bucket_arn)
        self.table = storage.table.table_arn
        self.machine, self.executions = machine, executions
        self.originals = [f"{bucket}/*" for bucket in (self.ingest, self.expanded, self.archive, self.quarantine)]
        self.made = [f"{self.output}/{made}/*" for made in ("renditions", "thumbnails", "metadata")]
        self._variables = _variables(storage, settings)
        self._has_old_indexes = settings.storage.old_indexes != "none"

    def environment(self, *names: str) -> dict[str, str]:
        """These variables: each function is told only what it uses."""
        told = (*names, "OLD_INDEXES") if "TABLE_NAME" in names and self._has_old_indexes else names
        return {name: self._variables[name] for name in told}

    def index(self, *names: str) -> list[str]:
        """The ARNs of the table's indexes of these names; with the old ones, as older versions share the roles."""
        old = [OLD_INDEXES] if self._has_old_indexes else []
        return [f"{self.table}/index/{indexes[name].name}" for indexes in (INDEXES, *old) for name in names]

    def read_live_settings(self) -> iam.PolicyStatement:
        return allow(["ssm:GetParameter"], parameter_arn(self.storage, self.settings))

    def publish(self) -> list[iam.PolicyStatement]:
        """To tell of an outcome, on the topic and on the bus."""
        on_topic = allow(["sns:Publish"], self.storage.topic.topic_arn)
        name = self.settings.ways_out.outcome_bus
        if not name:
            return [on_topic]
        bus = self.storage.format_arn(service="events", resource="event-bus", resource_name=name)
        return [on_topic, allow(["events:PutEvents"], bus)]


def allow(actions: list[str] | tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    """A statement that allows `actions` on `resources`."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def tell_missing(*buckets: str) -> iam.PolicyStatement:
    """Lets S3 answer 404 for an object that is missing; without permission to list it answers 403."""
    return allow(["s3:ListBucket"], *buckets)


def tell_missing_versions(*buckets: str) -> iam.PolicyStatement:
    """The same also for a version that is named and missing."""
    return allow(["s3:ListBucket", "s3:ListBucketVersions"], *buckets)


def _variables(storage: Storage, settings: Settings) -> dict[str, str]:
    return {
        "TABLE_NAME": storage.table.table_name,
        "OLD_INDEXES": settings.storage.old_indexes,
        "INGEST_BUCKET": storage.ingest.bucket_name,
        "EXPANDED_BUCKET": storage.expanded.bucket_name,
        "OUTPUT_BUCKET": storage.output.bucket_name,
        "ARCHIVE_BUCKET": storage.archive.bucket_name,
        "QUARANTINE_BUCKET": storage.quarantine.bucket_name,
        "OPERATIONS_BUCKET": storage.operations.bucket_name,
        "TOPIC_ARN": storage.topic.topic_arn,
        "OUTCOME_BUS": settings.ways_out.outcome_bus,
        "ARCHIVE_STORAGE_CLASS": settings.archive.storage_class,
        "QUARANTINE_DAYS": str(settings.storage.quarantine_days),
        "RENDITION_FORMATS": ",".join(settings.files.rendition_formats),
        "PARTITION_BY": settings.files.partition_by,
        "EXPAND_ARCHIVES": str(settings.files.expand_archives).lower(),
        "BIG_FILES": str(settings.files.big_files).lower(),
        "LONG_VIDEO_CPU_SECONDS": str(settings.files.long_video_cpu_seconds),
        "PUBLISH_PRIVATE_METADATA": str(settings.files.publish_private_metadata).lower(),
        "LIVE_SETTINGS": parameter_name(settings.stage),
        "POWERTOOLS_PARAMETERS_MAX_AGE": str(settings.functions.live_settings_cache_ttl_seconds),
        "SWEEP_OLDER_THAN_MINUTES": str(settings.sweeper.older_than_minutes),
    }
