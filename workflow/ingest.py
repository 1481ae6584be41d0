"""The ingest state machine: six steps from an uploaded file to its archived original."""

from collections.abc import Mapping
from typing import Any

from workflow.asl import Chain, Fail, Graph, LambdaTask, Map, Retry, ServiceTask, Succeed
from workflow.big_file import DIED, NO_CAPACITY, big_file_task
from workflow.errors import BigFile, DuplicateEvent, LongVideo, Retries, ThumbnailError, rejections, retried_as
from workflow.kinds import KINDS
from workflow.limits import (
    BY_KIND,
    CONVERSION_TIMEOUT_SECONDS,
    EXECUTION_TIMEOUT_SECONDS,
    PARTS_AT_ONCE,
    state_timeout_seconds,
)
from workflow.mediaconvert_job import conversion_job
from workflow.names import task_name

JOBS_THROTTLED = ["MediaConvert.TooManyRequestsException", "MediaConvert.InternalServerErrorException"]

STATE = {"state.$": "$"}
START = {
    "state": {
        "wanted.$": "$",
        "functions": {kind: {each: f"${{{each}_{kind}}}" for each in BY_KIND} for kind in KINDS},
    }
}
"""Validate decides the kind, and with it which functions the later states call: routing costs no state."""


def ingest(long_videos: str = "parts", *, big_files: bool = False) -> Graph:
    """The definition; `${validate}` and its like stand for the functions' ARNs.

    `long_videos` are converted in "parts" by functions of ours, or by "mediaconvert"; `big_files` are transformed in a
    container.
    """
    duplicate = Succeed(
        "Duplicate",
        comment='Another execution serves, or has just served, this version; "force": true is for doing it again',
    )
    rejected = Fail("Rejected", error_path="$.quarantine.code", cause_path="$.quarantine.message")
    quarantine = task("Quarantine", "Move the original aside, with the reason")
    quarantine.then(rejected)

    validate = task("Validate", "Is it a file that we accept, and is it ours to do?", gets=START)
    transform = task("Transform", "Read it once, whole; publish a rendition")
    thumbnail = task("Thumbnail", "Draw previews from the rendition")
    split = task("SplitVideo", "Plan a video that takes longer than one function may run")
    convert = conversion(long_videos)
    join = task("JoinVideo", "Publish the converted parts as one rendition")
    store_metadata = task("StoreMetadata", "Write down all that was learnt and made")
    notify = task("Notify", "Tell the subscribers")
    archive = task("Archive", "Copy the original, verify the copy, then remove the original")

    validate.on_error(DuplicateEvent.__name__, then=duplicate)
    validate.on_error(*rejections(), then=quarantine)
    transform.on_error(*rejections(), then=quarantine)
    transform.on_error(LongVideo.__name__, then=split)
    if big_files:
        big = big_file_task([retry(NO_CAPACITY, first_delay=10, attempts=90), retry(DIED, first_delay=10, attempts=1)])
        transform.on_error(BigFile.__name__, then=big)
        big.then(transform)
    split.then(convert).then(join).then(thumbnail)
    split.on_error(*rejections(), then=quarantine)
    convert.on_error(*rejections(), then=quarantine)
    thumbnail.on_error(ThumbnailError.__name__, then=store_metadata, keep_as="$.thumbnail_error")

    # What is caught nowhere fails the execution in its state, so that a redrive resumes right there.
    return Graph(
        Chain([validate, transform, thumbnail, store_metadata, notify, archive]),
        comment="Sluice: validate, transform, preview, record, announce and archive one uploaded file",
        timeout_seconds=EXECUTION_TIMEOUT_SECONDS,
    )


def conversion(long_videos: str) -> Map | ServiceTask:
    """One state, too: all parts of a long video at the same time, or a job of MediaConvert's."""
    if long_videos == "mediaconvert":
        return ServiceTask(
            "ConvertVideo",
            comment="The whole video, by AWS Elemental MediaConvert",
            service="mediaconvert:createJob.sync",
            parameters=conversion_job(),
            keep_as="$.convert_video",
            timeout_seconds=CONVERSION_TIMEOUT_SECONDS,
            retry=[retry(JOBS_THROTTLED, first_delay=2, attempts=20)],
        )
    part = task("ConvertPart", "One part, in its own function", result="$.Payload.convert_part")
    return Map(
        "ConvertVideo",
        comment="All parts of a long video, and its sound",
        each=part,
        items="$.split_video.parts",
        gets={"asset.$": "$.asset", "recipe.$": "$.split_video.recipe", "part.$": "$$.Map.Item.Value"},
        keep_as="$.convert_video",
        at_once=PARTS_AT_ONCE,
    )


def task(name: str, comment: str, *, gets: Mapping[str, Any] = STATE, result: str = "$.Payload") -> LambdaTask:
    """One state. Its function gets the run and the state so far, and returns the state with its result added."""
    does = task_name(name)
    return LambdaTask(
        name,
        comment=comment,
        function=f"$.asset.functions.{does}" if does in BY_KIND else f"${{{does}}}",
        payload={
            "run": {"arn.$": "$$.Execution.Id", "name.$": "$$.Execution.Name", "started.$": "$$.Execution.StartTime"},
            **gets,
        },
        result=result,
        timeout_seconds=state_timeout_seconds(does),
        retry=[
            retry(retried_as(Retries.THROTTLED), first_delay=1, attempts=90),
            retry(retried_as(Retries.SERVICE), first_delay=2, attempts=6),
            retry(retried_as(Retries.TRANSIENT), first_delay=2, attempts=6),
            retry(retried_as(Retries.UNANSWERED), first_delay=5, attempts=1),
        ],
    )


def retry(errors: list[str], *, first_delay: int, attempts: int) -> Retry:
    """Doubling delays in seconds, capped, and drawn at random so that a burst does not come back as one."""
    return Retry(
        error_equals=errors,
        interval_seconds=first_delay,
        max_attempts=attempts,
        backoff_rate=2.0,
        max_delay_seconds=20,
        jitter_strategy="FULL",
    )
