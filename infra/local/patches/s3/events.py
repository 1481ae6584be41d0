"""EventBridge events of a versioned bucket carry the version, and a deletion carries no size.

Defect: `detail.object` lacks `version-id`; Object Deleted has `size` 0 and an empty `etag`; `time` has milliseconds.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import contextvars
import json
from typing import Any

from infra.local.ministack import eventbridge, s3

_fired_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("fired_version", default=None)
_stock_fire_s3_event = s3._fire_s3_event
_stock_dispatch_event = eventbridge._dispatch_event


def install() -> None:
    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


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
