"""Any version of an object is read as the current one is: by range, by part, with its tags.

Defect: GetObject with a VersionId ignores Range and PartNumber, HeadObject ignores PartNumber, and a version's tags are
out of reach while a delete marker hides its key. AWS documents all of these for every version.
A range is also read from the object's file now, and not from a copy of the whole object in memory.
"""

import contextlib
import contextvars
import mmap
import re
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Query = dict[str, Any]
Record = dict[str, Any]

RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-\d+)")

_as_current: contextvars.ContextVar[Mapping[str, Record] | None] = contextvars.ContextVar("as_current", default=None)

_stock_ensure_bucket = s3._ensure_bucket
_stock_get_object = s3._get_object
_stock_head_object = s3._head_object


def install() -> None:
    s3._ensure_bucket = ensure_bucket
    s3._get_object = get_object
    s3._head_object = head_object
    s3._get_object_tagging = reaching_hidden_versions(s3._get_object_tagging)
    s3._put_object_tagging = reaching_hidden_versions(s3._put_object_tagging)
    restore_parts()


def ensure_bucket(name: str) -> Any:
    return (_as_current.get() or {}).get(name) or _stock_ensure_bucket(name)


@contextlib.contextmanager
def as_current(bucket: str, key: str, record: Record) -> Generator[None]:
    """Within this context `record` is what the emulator finds under `key`."""
    token = _as_current.set({bucket: _stock_ensure_bucket(bucket) | {"objects": {key: record}}})
    try:
        yield
    finally:
        _as_current.reset(token)


def get_object(bucket: str, key: str, headers: Headers, query: Query | None = None) -> Response:
    query = query or {}
    if not is_range(headers.get("range", "")):
        headers = {name: value for name, value in headers.items() if name != "range"}
    record = addressed_record(bucket, key, query)
    if record is None or not ("range" in headers or "partNumber" in query):
        return _stock_get_object(bucket, key, headers, query)
    with as_current(bucket, key, record | {"body": file_content(bucket, key, record)}):
        return _stock_get_object(bucket, key, headers, {name: query[name] for name in query if name != "versionId"})


def is_range(text: str) -> bool:
    """Anything else means the whole object: recorded in s3/test_s3_api::test_get_object_range, 21-02-2026."""
    given = RANGE.fullmatch(text)
    if given is None:
        return False
    return not given["last"] or int(given["first"]) <= int(given["last"])


def head_object(bucket: str, key: str, headers: Headers | None = None, query: Query | None = None) -> Response:
    status, answer, body = _stock_head_object(bucket, key, headers, query)
    parts = (addressed_record(bucket, key, query or {}) or {}).get("parts")
    number = s3._qp(query or {}, "partNumber", "")
    if status != 200 or not parts or not number:  # noqa: PLR2004 - HTTP's OK
        return status, answer, body
    size = next(part["Size"] for part in parts if part["PartNumber"] == int(number))
    return 206, answer | {"Content-Length": str(size), "x-amz-mp-parts-count": str(len(parts))}, body


def reaching_hidden_versions(operate: Callable[..., Response]) -> Callable[..., Response]:
    """The tagging operation, which then also finds a version whose key a delete marker hides."""

    def operate_on_version(bucket: str, key: str, *args: Any) -> Response:
        record = addressed_record(bucket, key, args[-1])
        if record is None or key in _stock_ensure_bucket(bucket)["objects"]:
            return operate(bucket, key, *args)
        with as_current(bucket, key, record):
            return operate(bucket, key, *args)

    return operate_on_version


def addressed_record(bucket: str, key: str, query: Query) -> Record | None:
    """The object record that the request's VersionId names, or the current one; None when there is none."""
    version = s3._qp(query, "versionId", "")
    found: Record = _stock_ensure_bucket(bucket) or {"objects": {}}
    current: Record | None = found["objects"].get(key)
    if not version or (current and version == version_name(current)):
        return current
    entry = next(
        (entry for entry in s3._object_versions.get((bucket, key), []) if entry["version_id"] == version), None
    )
    if entry is None or entry.get("is_delete_marker"):
        return None
    return s3._object_record_from_version(entry) | {"parts": entry.get("parts")}


def version_name(record: Record) -> str:
    return record.get("version_id") or "null"


def file_content(bucket: str, key: str, record: Record) -> Any:
    """The object's bytes, or its file mapped into memory: the emulator takes a slice of either."""
    if record["body"] is not None:
        return record["body"]
    displaced = s3._version_file_exists(bucket, key, version_name(record))
    path = s3._version_disk_path(bucket, key, version_name(record)) if displaced else s3._object_disk_path(bucket, key)
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if record["size"] else b""


def restore_parts() -> None:
    """The emulator's files keep the parts of every version, but on loading it forgets those of the current one."""
    for (account, (bucket, key)), versions in s3._object_versions._data.items():
        current = s3._buckets._data[account, bucket]["objects"].get(key)
        for entry in versions:
            if current and entry.get("parts") and entry["version_id"] == version_name(current):
                current["parts"] = entry["parts"]
