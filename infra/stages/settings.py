"""What differs between stages, in one validated table. Everything else is the same template."""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from infra.stages.webhook_address import address_problems
from workflow.limits import FUNCTIONS, LATE_EVENT_MINUTES

RENDITION_FORMATS = {"webp", "jpeg"}
GLUE_DATABASE = re.compile(r"[a-z0-9_]{1,255}")
"""Glue takes more, Athena does not."""
LONG_VIDEOS = {"parts", "mediaconvert"}
MOST_CPU_SECONDS = 500
"""A third of what one function's 900 s on 1.7 cores can do: an estimate may be wrong."""
READABLE_AT_ONCE = ("STANDARD", "STANDARD_IA", "GLACIER_IR")
COLDNESS = (*READABLE_AT_ONCE, "GLACIER", "DEEP_ARCHIVE")
DAY_MINUTES = 24 * 60
ROLLOUTS = {"all_at_once", "canary", "linear"}
LONGEST_ROLLOUT_MINUTES = 2100
"""The most that CloudFormation takes for one interval: longer than a day and a half no deployment should hang."""
QUEUE_BATCHES = range(2, 1001)
"""What Lambda takes as the most batches of a queue at the same time."""
ACCOUNT = re.compile(r"[0-9]{12}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
EVENT_BUS = re.compile(r"[A-Za-z0-9._-]{1,256}")
SCHEDULE = re.compile(r"cron\(\S+( \S+){5}\)")
IA_MIN_AGE_DAYS = 30
"""S3 moves nothing to Standard-IA, nor on from it, before it was there for 30 days."""
LEAST_STAY_DAYS = {"STANDARD_IA": 30, "GLACIER_IR": 90, "GLACIER": 90}
"""S3 charges for as much, also where an object goes on earlier."""
LOCKS = {"governance", "compliance"}
POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
LEAST_QUARANTINE_DAYS = 30
"""Somebody must have had the time to look."""


class SettingsError(ValueError):
    """A stage that does not exist, or whose settings AWS would refuse or that would lose data."""


@dataclass(frozen=True)
class Tier:
    """A storage class that an archived original moves to, `after_days` from its upload to the archive."""

    after_days: int
    storage_class: str


@dataclass(frozen=True)
class Rollout:
    """How new executions move from one version of the state machine to the next.

    "all_at_once"; "canary": `percentage` of them, and the others `interval_minutes` later; or "linear": `percentage`
    more every `interval_minutes`. More than `most_failures` failed executions in five minutes move all of them back.
    """

    how: str = "all_at_once"
    percentage: int = 10
    interval_minutes: int = 10
    most_failures: int = 3

    @property
    def gradual(self) -> bool:
        return self.how != "all_at_once"

    @property
    def minutes(self) -> int:
        """From the first execution on the new version to the last on the old one."""
        steps = {"all_at_once": 0, "canary": 1, "linear": math.ceil(100 / self.percentage) - 1}
        return steps[self.how] * self.interval_minutes


@dataclass(frozen=True)
class HttpApi:
    """Callers are known by IAM or, with a `jwt_issuer`, by its tokens for one of the `jwt_audiences`."""

    jwt_issuer: str = ""
    jwt_audiences: tuple[str, ...] = ()
    requests_per_second: int = 50
    requests_at_once: int = 100


@dataclass(frozen=True)
class Warm:
    """How many environments of which function stand ready `from_` a time `to` another: without a cold start, and paid.

    Both are expressions of Application Auto Scaling's, such as "cron(0 8 ? * MON-FRI *)", in the `timezone`.
    """

    functions: Mapping[str, int]
    from_: str
    to: str
    timezone: str = "Etc/UTC"


@dataclass(frozen=True)
class Settings:
    """One stage. `concurrency` reserves executions per function: new accounts have only ten in all, to share.

    `log_retention` is a name of the CDK's RetentionDays.
    `partition_by` names the date column by which tables are split into partitions, where they have it.
    `glue_database` is made, and has a Glue table for each table of each uploaded key; "" for none.
    `expand_archives` takes the files in a ZIP in as assets of their own; otherwise a ZIP is refused.
    `long_videos` says how those are converted that take more than `long_video_cpu_seconds` to convert: "parts" are
    converted at the same time by functions, "mediaconvert" sends them to that service.
    `big_files` has those files that no function has the memory, disk and time for transformed in a container.
    `sweep_every_minutes` says how often the sweeper looks for what did not change for `sweep_older_than_minutes`.
    `live_settings_seconds` is how long a function may go by what it last read of the live settings.
    `rollout` is how a deployment reaches those who upload.
    `http_api` is how callers reach the HTTP API, where there is one.
    `request_queue` is how many batches of its messages are taken in at the same time; 0 for no queue.
    `notification_topic` takes S3's notifications in, and messages of the accounts in `notification_partners`.
    `alarm_emails` are told when an alarm goes off, or when the month will cost more than `monthly_budget_dollars`,
    where that is not 0.
    `telemetry_stream` takes JSON objects in, and puts them into the ingest bucket as NDJSON; it is paid by the hour.
    `outcome_bus` gets an event per outcome: "default", or the name of a bus that is made; "" for no events.
    `webhook_url` gets an HTTPS request per outcome from that bus; "" for no webhook. With `webhook_paused` all of it is
    made, and nothing is sent.
    `audit_trail` keeps each change of a record in a bucket that only grows; S3 locks it for `audit_lock_days`.
    `output_ia_days` after they were made, files for the web move to Standard-IA; 0 for never.
    `quarantine_days` after they were rejected, originals expire; 0 for never.
    `warm` has functions stand ready at certain times.
    `keep_private` leaves places, authors, comments and serial numbers in what is published.
    `customer_key` encrypts all that the stage keeps with a KMS key of its own instead of with AWS's.
    `archive_lock_days` S3 locks archived originals for, in the mode `archive_lock`; 0 for not at all.
    `permissions_boundary` names a managed policy of the account, which bounds what all roles may do; "" for none.
    `from_source` runs the functions from the source tree instead of from packages: on the embedded AWS only.
    """

    stage: str
    from_source: bool = False
    retain_data: bool = False
    log_retention: str = "TWO_WEEKS"
    log_level: str = "INFO"
    rendition_formats: tuple[str, ...] = ("webp",)
    partition_by: str = ""
    glue_database: str = ""
    expand_archives: bool = False
    long_videos: str = "parts"
    long_video_cpu_seconds: int = 120
    big_files: bool = False
    sweep_every_minutes: int = 15
    sweep_older_than_minutes: int = 15
    keep_private: bool = False
    archive_storage_class: str = "STANDARD"
    archive_tiers: tuple[Tier, ...] = (Tier(30, "GLACIER_IR"),)
    superseded_copies_days: int = 90
    output_ia_days: int = 30
    quarantine_days: int = 180
    access_logs_days: int = 90
    live_settings_seconds: int = 60
    rollout: Rollout = Rollout()
    http_api: HttpApi | None = None
    request_queue: int = 0
    notification_topic: bool = False
    notification_partners: tuple[str, ...] = ()
    alarm_emails: tuple[str, ...] = ()
    monthly_budget_dollars: int = 0
    telemetry_stream: bool = False
    outcome_bus: str = ""
    webhook_url: str = ""
    webhook_paused: bool = False
    audit_trail: bool = False
    audit_lock_days: int = 0
    customer_key: bool = False
    archive_lock_days: int = 0
    archive_lock: str = "governance"
    permissions_boundary: str = ""
    warm: Warm | None = None
    concurrency: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Finds every mistake before AWS does."""
        problems = [
            *_format_problems(self),
            *_catalog_problems(self),
            *_video_problems(self),
            *_archive_problems(self),
            *_sweep_problems(self),
            *_expiry_problems(self),
            *_live_problems(self),
            *_rollout_problems(self.rollout),
            *_api_problems(self.http_api),
            *_queue_problems(self),
            *_alarm_problems(self),
            *_bus_problems(self),
            *_webhook_problems(self),
            *_audit_problems(self),
            *_lock_problems(self),
            *_boundary_problems(self),
            *_concurrency_problems(self),
            *_warm_problems(self),
        ]
        if problems:
            raise SettingsError(f"Settings of stage {self.stage!r}: {'; '.join(problems)}.")


def _format_problems(settings: Settings) -> list[str]:
    unknown = sorted(set(settings.rendition_formats) - RENDITION_FORMATS)
    if unknown or not settings.rendition_formats:
        return [f"rendition_formats must name some of {sorted(RENDITION_FORMATS)}, not {unknown}"]
    return []


def _catalog_problems(settings: Settings) -> list[str]:
    if not settings.glue_database or GLUE_DATABASE.fullmatch(settings.glue_database):
        return []
    return [f"glue_database must have lower-case letters, digits and underscores only, not {settings.glue_database!r}"]


def _video_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.long_videos not in LONG_VIDEOS:
        problems.append(f"long_videos must be one of {sorted(LONG_VIDEOS)}, not {settings.long_videos!r}")
    if not 0 < settings.long_video_cpu_seconds <= MOST_CPU_SECONDS:
        problems.append(f"long_video_cpu_seconds must be up to {MOST_CPU_SECONDS}: a function has 900 s")
    if settings.big_files and settings.from_source:
        problems.append("big_files need containers, which the embedded AWS does not run")
    return problems


def _archive_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.archive_storage_class not in READABLE_AT_ONCE:
        problems.append(f"archive_storage_class must be readable at once for reprocessing: {READABLE_AT_ONCE}")
    classes = [tier.storage_class for tier in settings.archive_tiers]
    days = [tier.after_days for tier in settings.archive_tiers]
    if classes != sorted(set(classes), key=COLDNESS.index):
        problems.append(f"archive_tiers must grow colder, in the order of {COLDNESS}")
    if any(later - earlier < IA_MIN_AGE_DAYS for earlier, later in zip([0, *days], days, strict=False)):
        problems.append(f"archive_tiers must be {IA_MIN_AGE_DAYS} days or more apart, and from the upload")
    for tier, colder in itertools.pairwise(settings.archive_tiers):
        least = LEAST_STAY_DAYS.get(tier.storage_class, 0)
        if colder.after_days - tier.after_days < least:
            problems.append(f"archive_tiers must stay {least} days in {tier.storage_class}, which are paid for")
    return problems


def _expiry_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.output_ia_days and settings.output_ia_days < IA_MIN_AGE_DAYS:
        problems.append(f"output_ia_days must be 0 for never, or {IA_MIN_AGE_DAYS} or more")
    if settings.quarantine_days and settings.quarantine_days < LEAST_QUARANTINE_DAYS:
        problems.append(f"quarantine_days must be 0 for never, or {LEAST_QUARANTINE_DAYS} or more")
    return problems


def _sweep_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if not 1 <= settings.sweep_every_minutes <= DAY_MINUTES:
        problems.append(f"sweep_every_minutes must be 1 to {DAY_MINUTES}, not {settings.sweep_every_minutes}")
    if settings.sweep_older_than_minutes < LATE_EVENT_MINUTES:
        problems.append(f"sweep_older_than_minutes must be {LATE_EVENT_MINUTES} or more: so late may an event be")
    return problems


def _live_problems(settings: Settings) -> list[str]:
    return [] if settings.live_settings_seconds > 0 else ["live_settings_seconds must be more than 0"]


def _rollout_problems(rollout: Rollout) -> list[str]:
    problems: list[str] = []
    if rollout.how not in ROLLOUTS:
        return [f"rollout must be one of {sorted(ROLLOUTS)}, not {rollout.how!r}"]
    if not 1 <= rollout.percentage <= 99:  # noqa: PLR2004 - what CloudFormation takes
        return [f"rollout's percentage must be from 1 to 99, not {rollout.percentage}"]
    if rollout.interval_minutes < 1 or rollout.minutes > LONGEST_ROLLOUT_MINUTES:
        problems.append(f"rollout must take from 1 to {LONGEST_ROLLOUT_MINUTES} minutes, not {rollout.minutes}")
    if rollout.most_failures < 0:
        problems.append("rollout's most_failures must not be negative")
    return problems


def _api_problems(api: HttpApi | None) -> list[str]:
    problems: list[str] = []
    if api and bool(api.jwt_issuer) != bool(api.jwt_audiences):
        problems.append("http_api needs both jwt_issuer and jwt_audiences, or neither: then callers are known by IAM")
    if api and api.jwt_issuer and not api.jwt_issuer.startswith("https://"):
        problems.append(f"http_api's jwt_issuer must be an https address, not {api.jwt_issuer!r}")
    if api and not 0 < api.requests_per_second <= api.requests_at_once:
        problems.append("http_api must take requests, and at once as many as in a second or more")
    return problems


def _queue_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.request_queue and settings.request_queue not in QUEUE_BATCHES:
        problems.append(f"request_queue must be 0, or from {QUEUE_BATCHES[0]} to {QUEUE_BATCHES[-1]}")
    if settings.notification_topic and not settings.request_queue:
        problems.append("notification_topic needs a request_queue, through which its messages go")
    if settings.notification_partners and not settings.notification_topic:
        problems.append("notification_partners need a notification_topic")
    unknown = [partner for partner in settings.notification_partners if not ACCOUNT.fullmatch(partner)]
    return [*problems, *([f"notification_partners must be accounts of 12 digits, not {unknown}"] if unknown else [])]


def _bus_problems(settings: Settings) -> list[str]:
    if not settings.outcome_bus or EVENT_BUS.fullmatch(settings.outcome_bus):
        return []
    return [f"outcome_bus must have letters, digits and any of '._-' only, not {settings.outcome_bus!r}"]


def _webhook_problems(settings: Settings) -> list[str]:
    if not settings.webhook_url:
        return ["webhook_paused needs a webhook_url"] if settings.webhook_paused else []
    problems = address_problems(settings.webhook_url, on_a_laptop=settings.from_source)
    problems = [f"webhook_url {problem}, not {settings.webhook_url!r}" for problem in problems]
    return problems if settings.outcome_bus else [*problems, "webhook_url needs an outcome_bus, which tells it"]


def _audit_problems(settings: Settings) -> list[str]:
    if settings.audit_lock_days and not settings.audit_trail:
        return ["audit_lock_days need an audit_trail"]
    return [] if settings.audit_lock_days >= 0 else ["audit_lock_days must not be negative"]


def _lock_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.archive_lock not in LOCKS:
        problems.append(f"archive_lock must be one of {sorted(LOCKS)}, not {settings.archive_lock!r}")
    if settings.archive_lock_days < 0:
        problems.append("archive_lock_days must not be negative")
    if settings.archive_lock_days and settings.archive_lock == "compliance" and not settings.retain_data:
        problems.append("archive_lock 'compliance' needs retain_data: nobody, AWS included, can end such a lock early")
    return problems


def _boundary_problems(settings: Settings) -> list[str]:
    if not settings.permissions_boundary or POLICY_NAME.fullmatch(settings.permissions_boundary):
        return []
    return [f"permissions_boundary must be a managed policy's name, not {settings.permissions_boundary!r}"]


def _alarm_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    wrong = [address for address in settings.alarm_emails if not EMAIL.fullmatch(address)]
    if wrong:
        problems.append(f"alarm_emails must be e-mail addresses, not {wrong}")
    if settings.monthly_budget_dollars < 0:
        problems.append("monthly_budget_dollars must not be negative")
    return problems


def _concurrency_problems(settings: Settings) -> list[str]:
    unknown = sorted(set(settings.concurrency) - set(FUNCTIONS))
    return [f"concurrency names unknown functions: {unknown}"] if unknown else []


def _warm_problems(settings: Settings) -> list[str]:
    if settings.warm is None:
        return []
    problems: list[str] = []
    if unknown := sorted(set(settings.warm.functions) - set(FUNCTIONS)):
        problems.append(f"warm names unknown functions: {unknown}")
    for function, ready in settings.warm.functions.items():
        if not 0 < ready <= settings.concurrency.get(function, ready):
            problems.append(f"warm must have 1 or more of {function}, and no more than are reserved for it")
    if not all(SCHEDULE.fullmatch(each) for each in (settings.warm.from_, settings.warm.to)):
        problems.append("warm needs times as cron(…), of six fields")
    return problems


_ALL = (
    # No lifecycle rule ever runs on a laptop: the archive's class is all that shows of the tiers there.
    Settings(
        stage="local",
        from_source=True,
        expand_archives=True,
        archive_storage_class="STANDARD_IA",
        log_level="DEBUG",
        http_api=HttpApi(),
        request_queue=2,
        notification_topic=True,
        audit_trail=True,
        outcome_bus="default",
        telemetry_stream=True,
        webhook_url="http://localhost:8088/sluice",
        live_settings_seconds=1,
        webhook_paused=True,
    ),
    Settings(
        stage="dev",
        http_api=HttpApi(),
        request_queue=2,
        notification_topic=True,
        audit_trail=True,
        outcome_bus="default",
        telemetry_stream=True,
        webhook_url="https://receiver.example/sluice",
        webhook_paused=True,
    ),
    # As `prod`, but for what makes one wait or keeps data that nobody needs.
    Settings(
        stage="staging",
        rendition_formats=("webp", "jpeg"),
        archive_tiers=(Tier(30, "GLACIER_IR"), Tier(365, "DEEP_ARCHIVE")),
        output_ia_days=90,
        rollout=Rollout("canary", percentage=50, interval_minutes=2),
        http_api=HttpApi(),
        request_queue=10,
        audit_trail=True,
        outcome_bus="default",
        concurrency=MappingProxyType({"transform_image": 10, "thumbnail_image": 5}),
    ),
    Settings(
        stage="prod",
        retain_data=True,
        log_retention="THREE_MONTHS",
        rendition_formats=("webp", "jpeg"),
        archive_tiers=(Tier(30, "GLACIER_IR"), Tier(365, "DEEP_ARCHIVE")),
        output_ia_days=90,
        rollout=Rollout("canary", percentage=10, interval_minutes=15),
        http_api=HttpApi(),
        request_queue=10,
        audit_trail=True,
        outcome_bus="default",
        concurrency=MappingProxyType({"transform_image": 100, "thumbnail_image": 50}),
    ),
)

STAGES: Mapping[str, Settings] = MappingProxyType({settings.stage: settings for settings in _ALL})


def settings_of(stage: str) -> Settings:
    """The settings of a stage, or an error that names the stages there are."""
    if stage not in STAGES:
        raise SettingsError(f"There is no stage {stage!r}; the stages are {', '.join(STAGES)}.")
    return STAGES[stage]
