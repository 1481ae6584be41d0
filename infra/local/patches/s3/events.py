"""EventBridge events of a versioned bucket carry the version, and a deletion carries no size.

Defect: `detail.object` lacks `version-id`; Object Deleted has `size` 0 and an empty `etag`; `time` has milliseconds.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
An event is on its way from before the write is answered, and no kill loses it.
"""

import contextvars
import json
from typing import Any

from infra.local.durable import pending
from infra.local.ministack import eventbridge, s3

PENDING = "S3 event"
TOLD = ("size", "etag", "deletion_type", "version_id", "object_extra", "record_extra")

_fired_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("fired_version", default=None)
_stock_fire_s3_event = s3._fire_s3_event
_stock_dispatch_event = eventbridge._dispatch_event


def install() -> None:
    s3._fire_s3_event = fire_s3_event
    s3._fire_s3_event_async = fire_later
    pending.how_to_do(PENDING, fire)
    eventbridge._dispatch_event = dispatch_event


def fire_later(bucket_name: str, key: str, event_name: str, *told: Any, **named: Any) -> None:
    if bucket_name not in s3._bucket_notifications:
        return
    named |= dict(zip(TOLD, told, strict=False)) | {"sequencer": s3._next_event_sequencer(event_name)}
    pending.do_later(PENDING, {"of": [bucket_name, key, event_name], "told": named})


def fire(event: dict[str, Any]) -> None:
    s3._fire_s3_event(*event["of"], **event["told"])


def fire_s3_event(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
    token = _fired_version.set(version_id)
    try:
        _stock_fire_s3_event(*args, version_id=version_id, **kwargs)
    finally:
        _fired_version.reset(token)


def dispatch_event(event: dict[str, Any], *args: Any) -> None:
    if event["Source"] == "aws.s3":
        event = as_s3_sends_it(event, _fired_version.get())
    _stock_dispatch_event(event, *args)


def as_s3_sends_it(event: dict[str, Any], version_id: str | None) -> dict[str, Any]:
    detail = json.loads(event["Detail"])
    detail["object"] = with_version(detail["object"], version_id)
    if event["DetailType"] == "Object Deleted":
        del detail["object"]["size"], detail["object"]["etag"]
    return event | {"Detail": json.dumps(detail), "Time": whole_seconds(event["Time"])}


def with_version(s3_object: dict[str, Any], version_id: str | None) -> dict[str, Any]:
    return s3_object | ({"version-id": version_id} if version_id else {})


def whole_seconds(timestamp: str) -> str:
    return f"{timestamp[:19]}Z"
