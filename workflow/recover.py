"""Takes up what a crash left: objects that no execution works on, and originals that lost their record.

Safe at any time and twice at once: it only starts executions, and the claim on an asset lets one of them work.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from tasks.shared.naming import asset_id, asset_of_original, reason_key, sidecar_key
from tasks.shared.records import Item, Records
from workflow.client import Sluice
from workflow.shapes import ExecutionInput, dump
from workflow.stack import Connection

INTERRUPTED = {"States.ServiceRestart"}
"""The error that the embedded AWS gives to executions which it finds running when it starts."""


@dataclass(frozen=True)
class _Version:
    """An uploaded version that may need an execution."""

    bucket: str
    key: str
    version_id: str

    @property
    def asset_id(self) -> str:
        return asset_id(self.bucket, self.key, self.version_id)


def recover(connection: Connection, *, lost_records: bool) -> list[str]:
    """Start an execution for everything in flight or forgotten; the keys taken up.

    With `lost_records`, archive and quarantine are searched for originals that the table does not know.
    """
    sluice = Sluice(connection)
    live = {execution["name"] for execution in sluice.executions(status="RUNNING", limit=10_000)}
    uploaded = {version.asset_id: version for version in _uploaded(connection)}
    found = uploaded | {version.asset_id: version for version in _known(connection, sluice, lost_records=lost_records)}
    records = sluice.records.many(found)
    forgotten = [
        version for key, version in found.items() if _needs_execution(records.get(key), live, in_ingest=key in uploaded)
    ]
    for version in forgotten:
        _take_up(version, connection, sluice)
    return [version.key for version in forgotten]


def _known(connection: Connection, sluice: Sluice, *, lost_records: bool) -> Iterator[_Version]:
    yield from (_version(record) for status in ("processing", "failed") for record in _with_status(sluice, status))
    if lost_records:
        buckets = connection.stack.buckets
        yield from _unknown(buckets.archive, connection, sluice.records)
        yield from _unknown(buckets.quarantine, connection, sluice.records)


def _needs_execution(record: Item | None, live: set[str], *, in_ingest: bool) -> bool:
    """What failed for another reason than an interruption waits for a person; what ended well has left ingest."""
    if record is None:
        return True
    if record["execution"] in live:
        return False
    if record["status"] == "failed":
        return record.get("reason", {}).get("code") in INTERRUPTED
    return record["status"] == "processing" or in_ingest


def _take_up(version: _Version, connection: Connection, sluice: Sluice) -> None:
    holder = sluice.records.claimed_by(version.asset_id)
    # Asked anew: the holder may have started since the running ones were listed.
    if holder and not _is_running(holder, sluice):
        sluice.records.release_claim(version.asset_id, holder)
    wanted = ExecutionInput(bucket=version.bucket, key=version.key, version_id=version.version_id, trigger="sweep")
    connection.stepfunctions.start_execution(
        stateMachineArn=connection.stack.state_machine_arn, input=json.dumps(dump(wanted))
    )


def _is_running(execution: str, sluice: Sluice) -> bool:
    try:
        return sluice.running(sluice.execution_arn(execution))
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") == "ExecutionDoesNotExist":
            return False
        raise


def _uploaded(connection: Connection) -> Iterator[_Version]:
    """What is still where it came in."""
    buckets = connection.stack.buckets
    for bucket in (buckets.ingest, buckets.expanded):
        pages = connection.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for found in (version for page in pages for version in page.get("Versions", [])):
            yield _Version(bucket, found.get("Key", ""), found.get("VersionId", ""))


def _with_status(sluice: Sluice, status: str) -> Iterable[Item]:
    return sluice.records.by("by_status", status)


def _unknown(bucket: str, connection: Connection, records: Records) -> Iterator[_Version]:
    """Originals whose asset has no record; what they were is in the sidecar that was written before they moved."""
    pages = connection.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = {item.get("Key", "") for page in pages for item in page.get("Contents", [])}
    if bucket == connection.stack.buckets.quarantine:  # a reason stays when its original has left
        keys = {key for key in keys if reason_key(key) in keys}
    originals = {asset: key for key in sorted(keys) if (asset := asset_of_original(key))}
    for found in originals.keys() - records.many(originals).keys():
        if sidecar := _sidecar(bucket, found, originals[found], connection):
            yield _version(sidecar)


def _sidecar(bucket: str, asset: str, key: str, connection: Connection) -> Item | None:
    """What was written beside an original; None where somebody removed it: the original stays where it is."""
    buckets = connection.stack.buckets
    quarantined = bucket == buckets.quarantine
    where = (buckets.quarantine, reason_key(key)) if quarantined else (buckets.output, sidecar_key(asset))
    try:
        return json.loads(connection.s3.get_object(Bucket=where[0], Key=where[1])["Body"].read())
    except connection.s3.exceptions.NoSuchKey:
        return None


def _version(facts: Item) -> _Version:
    return _Version(facts["bucket"], facts["key"], facts["version_id"])
