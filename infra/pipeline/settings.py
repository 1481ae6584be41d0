"""Settings of the workflow: what is made of files, what the sweeper looks for, and what is kept of changes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from infra.stages.topic import Problem, Topic
from workflow.limits import LATE_EVENT_MINUTES

MAX_CPU_SECONDS = 500
"""A third of what one function's 900 s on 1.7 cores can do: an estimate may be wrong."""
DAY_MINUTES = 24 * 60


class FileSettings(Topic, frozen=True):
    """What is taken in, and what is made of it: docs/kinds.md."""

    rendition_formats: Annotated[
        tuple[Literal["webp", "jpeg"], ...], Meta(min_length=1, description="Of images: webp, jpeg or both.")
    ] = ("webp",)
    publish_private_metadata: Annotated[
        bool,
        Meta(
            description="Leave places, authors, comments and serial numbers in what is published. "
            "See docs/security.md#privacy."
        ),
    ] = False
    partition_by: Annotated[
        str, Meta(description="The date column by which tables are split into partitions, where they have it.")
    ] = ""
    expand_archives: Annotated[
        bool, Meta(description="Process each file in a ZIP as an asset of its own; otherwise ZIPs are rejected.")
    ] = False
    long_videos: Annotated[
        Literal["parts", "mediaconvert"],
        Meta(description="How long videos are converted: in parts at the same time by functions, or by MediaConvert."),
    ] = "parts"
    long_video_cpu_seconds: Annotated[
        int, Meta(ge=1, le=MAX_CPU_SECONDS, description="A video that takes longer than this to convert is a long one.")
    ] = 120
    big_files: Annotated[
        bool,
        Meta(
            description="Transform tables and images that no function has the memory, disk and time for in a container "
            "on Fargate; otherwise they are rejected as TooLarge. See docs/architecture.md#big-files."
        ),
    ] = False


class SweeperSettings(Topic, frozen=True):
    """How the sweeper finishes what a crash or a lost event left undone: docs/operating.md."""

    every_minutes: Annotated[int, Meta(ge=1, le=DAY_MINUTES, description="How often it runs.")] = 15
    older_than_minutes: Annotated[
        int, Meta(ge=LATE_EVENT_MINUTES, description="It looks for work that has not changed for this long.")
    ] = 15


class AuditTrailSettings(Topic, frozen=True):
    """A bucket with each change of a record: docs/architecture.md#the-audit-trail."""

    enabled: Annotated[bool, Meta(description="Keep each change of a record in a bucket that only grows.")] = False
    lock_days: Annotated[int, Meta(ge=0, description="Days that S3 locks each change for; 0 for no lock.")] = 0

    def problems(self) -> Iterator[Problem]:
        if self.lock_days and not self.enabled:
            yield "lock_days", "need the trail to be enabled"
