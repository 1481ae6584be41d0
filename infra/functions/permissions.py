"""What each function is given: its environment variables and what its role may do, and nothing beyond that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.stages.settings import Settings
from infra.storage.live_settings import parameter_arn
from infra.storage.stack import Storage
from tasks.api.uploads import PREFIX as UPLOADS
from tasks.shared.live_settings import parameter_name
from tasks.shared.naming import WORK
from tasks.telemetry.batches import PREFIX as TELEMETRY
from workflow.kinds import BIG_FILES
from workflow.limits import CONTAINER, functions_of

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


def needs_of(storage: Storage, settings: Settings, machine_arn: str, executions_arn: str) -> Mapping[str, Needs]:
    """Those of every function that the stage has. The ARNs are of the ingest state machine, and of its executions.

    What starts executions is told of the alias, and let start it, where that is made.
    """
    ingest, expanded, output, archive, quarantine = (
        storage.export_value(bucket.bucket_arn)
        for bucket in (storage.ingest, storage.expanded, storage.output, storage.archive, storage.quarantine)
    )
    operations = storage.export_value(storage.operations.bucket_arn)
    table, publish = storage.table.table_arn, _publish(storage, settings)
    originals = [f"{bucket}/*" for bucket in (ingest, expanded, archive, quarantine)]
    read_live = allow(["ssm:GetParameter"], parameter_arn(storage, settings))
    environment = _environment(storage, settings)
    transform = Needs(
        environment("TABLE_NAME", "OUTPUT_BUCKET", "RENDITION_FORMATS", "PARTITION_BY", "PUBLISH_PRIVATE_METADATA"),
        [
            allow(READ, *originals),
            allow(["s3:PutObject"], f"{output}/renditions/*", f"{output}/metadata/*"),
            allow(["s3:GetObject"], *(f"{output}/{made}/*" for made in ("renditions", "thumbnails", "metadata"))),
            tell_missing(output),
            allow(["dynamodb:Query"], f"{table}/index/by_content"),
        ],
    )
    thumbnail = Needs(
        environment("OUTPUT_BUCKET"),
        [allow(["s3:GetObject"], f"{output}/renditions/*"), allow(["s3:PutObject"], f"{output}/thumbnails/*")],
    )
    return {
        "validate": Needs(
            environment(*TABLE_AND_PLACES, "EXPAND_ARCHIVES", "BIG_FILES", *LIVE),
            [
                allow(FIND, *originals),
                read_live,
                tell_missing(archive, quarantine),
                tell_missing_versions(ingest, expanded),
                allow(RECORD, table),
                allow(["dynamodb:Query"], f"{table}/index/by_key"),
            ],
        ),
        **_needs_by_kind("transform", transform),
        **_needs_of_big_files(transform, settings, output),
        "transform_video": transform.more(environment("LONG_VIDEO_CPU_SECONDS")),
        "transform_archive": transform.more(
            environment("EXPANDED_BUCKET"),
            allow(["s3:PutObject"], f"{expanded}/*"),
            allow(["dynamodb:Query"], f"{table}/index/by_key"),
        ),
        **_needs_by_kind("thumbnail", thumbnail),
        "split_video": Needs(
            environment("TABLE_NAME", "OUTPUT_BUCKET", "PUBLISH_PRIVATE_METADATA"),
            [
                allow(READ, *originals),
                allow(["s3:GetObject"], *(f"{output}/{made}/*" for made in ("renditions", "thumbnails", "metadata"))),
                tell_missing(output),
                allow(["dynamodb:Query"], f"{table}/index/by_content"),
            ],
        ),
        "convert_part": Needs(
            environment("OUTPUT_BUCKET", "PUBLISH_PRIVATE_METADATA"),
            [
                allow(READ, *originals),
                allow(["s3:GetObject", "s3:PutObject"], f"{output}/{WORK}*"),
                tell_missing(output),
            ],
        ),
        "join_video": Needs(
            environment("OUTPUT_BUCKET", "PUBLISH_PRIVATE_METADATA"),
            [
                allow(READ, *originals),
                allow(["s3:GetObject"], f"{output}/{WORK}*"),
                allow(["s3:PutObject"], f"{output}/renditions/*", f"{output}/metadata/*"),
            ],
        ),
        "store_metadata": _with_catalog(
            Needs(
                environment("TABLE_NAME", "OUTPUT_BUCKET"),
                [allow(["s3:GetObject", "s3:PutObject"], f"{output}/metadata/*"), allow(RECORD, table)],
            ),
            storage,
            settings,
        ),
        "notify": Needs(environment("TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS"), [*publish, allow(RECORD, table)]),
        "archive": Needs(
            environment("TABLE_NAME", "ARCHIVE_BUCKET", "ARCHIVE_STORAGE_CLASS"),
            [
                allow(TAKE, f"{ingest}/*", f"{expanded}/*", f"{quarantine}/*"),
                allow(TAKE_TAGS, f"{ingest}/*", f"{quarantine}/*"),
                allow(KEEP, f"{archive}/*"),
                tell_missing(archive),
                tell_missing_versions(ingest, expanded, quarantine),
                allow(RECORD, table),
            ],
        ),
        "quarantine": Needs(
            environment(
                "TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS", "QUARANTINE_BUCKET", "ARCHIVE_BUCKET", "QUARANTINE_DAYS"
            ),
            [
                allow(TAKE, f"{ingest}/*", f"{expanded}/*"),
                allow(TAKE_TAGS, f"{ingest}/*"),
                allow(KEEP, f"{quarantine}/*"),
                tell_missing(quarantine),
                tell_missing_versions(ingest, expanded),
                *publish,
                allow(RECORD, table),
            ],
        ),
        **_needs_of_ways_in_and_out(environment, settings, ingest, table, executions_arn),
        **_needs_of_trail(storage),
        "record_failure": Needs(
            environment("TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS"),
            [
                allow(["states:DescribeExecution", "states:GetExecutionHistory"], executions_arn),
                *publish,
                allow([*RECORD, "dynamodb:DeleteItem"], table),
            ],
        ),
        "sweep": Needs(
            environment(
                "TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS", "INGEST_BUCKET", "EXPANDED_BUCKET", "OPERATIONS_BUCKET"
            )
            | environment("SWEEP_OLDER_THAN_MINUTES", *LIVE),
            [
                read_live,
                allow(READ, *originals),
                tell_missing_versions(ingest, expanded, archive, quarantine),
                allow(["s3:DeleteObjectVersion"], f"{ingest}/*", f"{expanded}/*"),
                allow(["s3:PutObject"], f"{operations}/sweeps/*"),
                allow(["states:ListExecutions"], machine_arn),
                allow(["states:DescribeExecution", "states:GetExecutionHistory"], executions_arn),
                *publish,
                allow([*RECORD, "dynamodb:BatchGetItem", "dynamodb:DeleteItem"], table),
                allow(["dynamodb:Query"], f"{table}/index/by_status"),
            ],
        ),
        "continue_restored": Needs(environment("TABLE_NAME"), [allow(RECORD, table)]),
        "report_batch": Needs(
            environment("TABLE_NAME"),
            [
                allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"{operations}/reprocess/*"),
                allow(["dynamodb:BatchGetItem"], table),
                allow(["states:DescribeExecution"], executions_arn),
            ],
        ),
    }


def _needs_of_ways_in_and_out(
    environment: Callable[..., dict[str, str]], settings: Settings, ingest: str, table: str, executions_arn: str
) -> dict[str, Needs]:
    """Of those functions that the stage has. What takes messages is added where it is made.

    What the api may write is what callers can get a form for.
    """
    needs: dict[str, Needs] = {}
    if settings.ways_in.http_api:
        needs["api"] = Needs(
            environment(*TABLE_AND_PLACES, "EXPAND_ARCHIVES"),
            [
                allow(["s3:PutObject"], f"{ingest}/{UPLOADS}*"),
                allow(["dynamodb:GetItem"], table),
                allow(["dynamodb:Query"], *(f"{table}/index/{index}" for index in ("by_status", "by_kind", "by_key"))),
                allow(["states:DescribeExecution", "states:GetExecutionHistory"], executions_arn),
            ],
        )
    if settings.ways_in.request_queue_concurrency:
        needs["intake"] = Needs({}, [])
    if settings.ways_out.webhook_url:
        needs["webhook"] = Needs({"WEBHOOK_URL": settings.ways_out.webhook_url}, [])
    if settings.ways_in.telemetry_stream:
        needs["telemetry"] = Needs(environment("INGEST_BUCKET"), [allow(["s3:PutObject"], f"{ingest}/{TELEMETRY}*")])
    return needs


def _needs_of_big_files(transform: Needs, settings: Settings, output: str) -> dict[str, Needs]:
    """The container tells what it made, and the function of the file's kind reads that."""
    if not settings.files.big_files:
        return {}
    tells, reads = (transform.more({}, allow([f"s3:{verb}Object"], f"{output}/{WORK}*")) for verb in ("Put", "Get"))
    return {CONTAINER: tells, **{f"transform_{kind}": reads for kind in BIG_FILES}}


def _publish(storage: Storage, settings: Settings) -> list[iam.PolicyStatement]:
    """To tell of an outcome, on the topic and on the bus."""
    on_topic = allow(["sns:Publish"], storage.topic.topic_arn)
    if not settings.ways_out.outcome_bus:
        return [on_topic]
    bus = storage.format_arn(service="events", resource="event-bus", resource_name=settings.ways_out.outcome_bus)
    return [on_topic, allow(["events:PutEvents"], bus)]


def _needs_of_trail(storage: Storage) -> dict[str, Needs]:
    """Where the stage has one. What reads the stream is added where it is made."""
    if storage.audit is None:
        return {}
    bucket = storage.export_value(storage.audit.bucket_arn)
    return {
        "audit": Needs({"AUDIT_BUCKET": storage.audit.bucket_name}, [allow(["s3:PutObject"], f"{bucket}/changes/*")])
    }


def _needs_by_kind(task: str, needs: Needs) -> dict[str, Needs]:
    """The same for the functions of all kinds: they differ in what they import, not in what they touch."""
    return dict.fromkeys(functions_of(task), needs)


def _with_catalog(needs: Needs, storage: Storage, settings: Settings) -> Needs:
    """Also the tables of the Glue database, where the stage has one. Glue asks for all three of their levels."""
    database = settings.storage.glue_database
    if not database:
        return needs
    levels = ("catalog", f"database/{database}", f"table/{database}/*")
    arns = (
        storage.format_arn(service="glue", resource=level, arn_format=cdk.ArnFormat.NO_RESOURCE_NAME)
        for level in levels
    )
    tables = allow(["glue:CreateTable", "glue:GetTable", "glue:UpdateTable"], *arns)
    return needs.more({"GLUE_DATABASE": database}, tables)


def allow(actions: list[str] | tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    """A statement that allows `actions` on `resources`."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def tell_missing(*buckets: str) -> iam.PolicyStatement:
    """Lets S3 answer 404 for an object that is missing; without permission to list it answers 403."""
    return allow(["s3:ListBucket"], *buckets)


def tell_missing_versions(*buckets: str) -> iam.PolicyStatement:
    """The same also for a version that is named and missing."""
    return allow(["s3:ListBucket", "s3:ListBucketVersions"], *buckets)


def _environment(storage: Storage, settings: Settings) -> Callable[..., dict[str, str]]:
    """Picks variables by name, so that each function is told only what it uses."""
    all_of_them = {
        "TABLE_NAME": storage.table.table_name,
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
    return lambda *names: {name: all_of_them[name] for name in names}
