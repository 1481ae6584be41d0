"""EventBridge's events about restores are as S3 sends them.

Defect: they name no version, storage class and expiry, and have a sequencer and the address of a client.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import contextvars
import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.ministack import eventbridge, s3

RESTORES = "s3:ObjectRestore:"
COMPLETED = "Object Restore Completed"

Event = dict[str, Any]

_restored: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("restored", default=None)


def install() -> None:
    s3._fire_s3_event = telling_the_version(s3._fire_s3_event)
    eventbridge._dispatch_event = as_s3_tells_it(eventbridge._dispatch_event)


def telling_the_version(fire: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(fire)
    def fire_event(bucket: str, key: str, name: str, *args: Any, **kwargs: Any) -> None:
        if not name.startswith(RESTORES):
            return fire(bucket, key, name, *args, **kwargs)
        restored = s3._buckets[bucket]["objects"].get(key, {})
        token = _restored.set(restored)
        try:
            return fire(bucket, key, name, *args, **{**kwargs, "version_id": restored.get("version_id")})
        finally:
            _restored.reset(token)

    return fire_event


def as_s3_tells_it(dispatch: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(dispatch)
    def dispatch_event(event: Event, *args: Any) -> None:
        restored = _restored.get()
        dispatch(event if restored is None else with_restore(event, restored), *args)

    return dispatch_event


def with_restore(event: Event, restored: dict[str, Any]) -> Event:
    detail = json.loads(event["Detail"])
    del detail["object"]["sequencer"]
    detail["source-storage-class"] = restored.get("storage_class")
    if event["DetailType"] == COMPLETED:
        del detail["source-ip-address"]
        expiry = datetime.fromtimestamp(restored["restore"]["expires_at"], UTC)
        detail |= {"requester": "s3.amazonaws.com", "restore-expiry-time": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"}
    return event | {"Detail": json.dumps(detail)}
