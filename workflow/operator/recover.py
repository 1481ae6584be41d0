"""Takes up what a stop of the embedded AWS left: the sweep, over all that it interrupted and, after a crash, that lost
its record.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from tasks.shared.announce import Announcer
from tasks.shared.executions import Executions
from tasks.shared.failures import Failures
from tasks.shared.naming import asset_of_original, reason_key, sidecar_key
from tasks.shared.objects import Objects
from tasks.shared.outcome_events import OutcomeBus
from tasks.shared.records.adapter import Records
from tasks.shared.records.table import now
from tasks.sweep.report import Did
from tasks.sweep.sweep import UNFINISHED, Case, Stage, Sweep, known
from workflow.operator.stack import Connection


class Sidecar(msgspec.Struct, frozen=True):
    """Which upload an original was, as it is written beside it, with much else."""

    bucket: str
    key: str
    version_id: str


def recover(connection: Connection, *, since: datetime, lost_records: bool) -> list[str]:
    """Start an execution for everything in flight or forgotten; the keys taken up.

    `since` is when the embedded AWS was started: all that it found running, it ended later. With `lost_records`,
    archive and quarantine are searched for originals that the table does not know.
    """
    stage = _stage(connection)
    _settle_interrupted(stage, since)
    if stage.records.filing:
        deque(stage.records.filing.renew(), maxlen=0)
    sweep = Sweep(stage, timedelta(0), period=f"{now():%Y%m%dT%H%M%S}")
    report = sweep.run(_further(connection, stage.records, lost_records=lost_records))
    return [finding.key for finding in report.findings if finding.did == Did.STARTED]


def _stage(connection: Connection) -> Stage:
    stack = connection.stack
    records = Records(connection.dynamodb, stack.table, stack.old_indexes)
    executions = Executions(connection.stepfunctions, stack.state_machine_alias_arn)
    return Stage(
        objects=Objects(connection.s3),
        records=records,
        executions=executions,
        failures=Failures(executions, records, _announcer(connection, records)),
        ways_in=(stack.buckets.ingest, stack.buckets.expanded),
    )


def _announcer(connection: Connection, records: Records) -> Announcer:
    name = connection.stack.outcome_bus
    bus = OutcomeBus(connection.client("events"), name) if name else None
    return Announcer(connection.sns, records, connection.stack.topic, bus)


def _settle_interrupted(stage: Stage, since: datetime) -> None:
    """Of executions that had written down an end and not come to theirs: `record_failure` may hear of them too late."""
    assets = stage.records.links.assets_of(each["name"] for each in stage.executions.ended_badly(since=since))
    records = stage.records.assets.many(set(assets.values()))
    for name, asset in assets.items():
        ended = asset in records and records[asset].status not in UNFINISHED
        if ended and (execution := stage.executions.find(name)):
            stage.failures.settle(execution, asset)


def _further(connection: Connection, records: Records, *, lost_records: bool) -> Iterator[Case]:
    """Those that no other sweep looks for: that were interrupted wherever they are, and that the table forgot."""
    yield from map(known, records.assets.by("by_status", "failed"))
    if lost_records:
        buckets = connection.stack.buckets
        yield from _unknown(buckets.archive, connection, records)
        yield from _unknown(buckets.quarantine, connection, records)


def _unknown(bucket: str, connection: Connection, records: Records) -> Iterator[Case]:
    """Originals whose asset has no record; what they were is in the sidecar that was written before they moved."""
    pages = connection.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = {item.get("Key", "") for page in pages for item in page.get("Contents", [])}
    if bucket == connection.stack.buckets.quarantine:  # a reason stays when its original has left
        keys = {key for key in keys if reason_key(key) in keys}
    originals = {asset: key for key in sorted(keys) if (asset := asset_of_original(key))}
    for found in originals.keys() - records.assets.many(originals).keys():
        if sidecar := _sidecar(bucket, found, originals[found], connection):
            yield Case(sidecar.bucket, sidecar.key, sidecar.version_id)


def _sidecar(bucket: str, asset: str, key: str, connection: Connection) -> Sidecar | None:
    """What was written beside an original; None where somebody removed it: the original stays where it is."""
    buckets = connection.stack.buckets
    quarantined = bucket == buckets.quarantine
    where = (buckets.quarantine, reason_key(key)) if quarantined else (buckets.output, sidecar_key(asset))
    try:
        told = connection.s3.get_object(Bucket=where[0], Key=where[1])["Body"].read()
        return msgspec.json.decode(told, type=Sidecar)
    except connection.s3.exceptions.NoSuchKey:
        return None
