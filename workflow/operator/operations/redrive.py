"""Continues failed executions where they stopped; where AWS cannot, their assets are processed from the start."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tasks.shared.executions import EVER, LIVE, Executions
from tasks.shared.failures import denies_failure
from tasks.shared.records.model import Reason, Record
from workflow.events import ENDED_BADLY
from workflow.operator.client import Sluice
from workflow.operator.operations import start_again
from workflow.operator.patience import PROBLEMS, patiently
from workflow.operator.stack import NotThereError
from workflow.shapes import CaughtError

AT_ONCE = 8


@dataclass(frozen=True)
class Redriven:
    """What was done for an execution: "redriven", "reprocessed", "left" or "refused"; `because` says why not the first.

    `started` is the execution to follow: the same, the new one, or the one that serves the asset now.
    """

    execution: str
    how: str
    started: str
    because: str | None = None


def redrive(sluice: Sluice, execution_name: str, *, by: str, why: str | None = None) -> Redriven:
    """Redrive a failed execution; its finished steps are not repeated, and it keeps its name.

    Doing it again finishes what a crash interrupted.
    """
    found = _describe(sluice, execution_name)
    name = found["name"]
    record = _record_of(sluice, name)
    if record is None:
        return _redrive_without_asset(sluice, found)
    if because := _why_left(found, record):
        return Redriven(name, "left", record.execution, because)
    if because := _why_from_the_start(found, record):
        return _reprocess(sluice, name, record, because, by=by, why=why)
    return _redrive(sluice, found, record, by=by, why=why)


def _redrive_failed(sluice: Sluice, name: str, *, by: str, why: str | None) -> Redriven:
    """The same where the record tells all that is needed: Step Functions describes 10 to 15 executions a second."""
    record = _record_of(sluice, name)
    if record is None or not _is_recorded(record, name):
        return redrive(sluice, name, by=by, why=why)
    redrives = sum(each.execution == name for each in record.attempts) - 1
    found = {"name": name, "executionArn": record.execution_arn, "redriveCount": redrives}
    return _redrive(sluice, found, record, by=by, why=why)


def _record_of(sluice: Sluice, name: str) -> Record | None:
    asset_id = sluice.records.links.asset_of(name)
    return sluice.records.assets.get(asset_id) if asset_id else None


def _is_recorded(record: Record, name: str) -> bool:
    """The record has the failure; `record_failure` has asked how often the execution was redriven."""
    last = record.last_attempt
    return record.status == "failed" and record.execution == name and last is not None and not last.is_open


def _describe(sluice: Sluice, name: str) -> Any:
    try:
        return sluice.aws.stepfunctions.describe_execution(executionArn=sluice.execution_arn(name))
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in {"ExecutionDoesNotExist", "InvalidArn"}:
            raise NotThereError(
                f"There is no execution {name}. `sluice executions` lists them; Step Functions forgets them 90 days "
                "after their end. `sluice reprocess` processes an asset from the start."
            ) from exc
        raise


def _why_left(found: Any, record: Record) -> str | None:
    if record.execution != found["name"]:
        return f"execution {record.execution} has taken the asset since, and counts"
    if found["status"] not in ENDED_BADLY:
        doing = "is at work" if found["status"] in LIVE else "has succeeded"
        return f"it {doing}: there is nothing to redrive"
    return "its file was discarded" if record.status == "discarded" else None


def _why_from_the_start(found: Any, record: Record) -> str | None:
    if record.status == "rejected":
        return f"its file was rejected ({record.code}), and a redrive would only end so again"
    return _why_not_redrivable(found)


def _why_not_redrivable(found: Any) -> str | None:
    """Step Functions' own reason: such as an end more than 14 days ago, or too long a history."""
    if found.get("redriveStatus") != "NOT_REDRIVABLE":
        return None
    return f"Step Functions cannot redrive it: {found.get('redriveStatusReason', 'no reason given')}"


def _redrive(sluice: Sluice, found: Any, record: Record, *, by: str, why: str | None) -> Redriven:
    """The record is opened first: the execution's next step may end before a call after it could."""
    name = found["name"]
    if not sluice.records.assets.reopen(record.asset_id, name, redrives=found.get("redriveCount", 0), by=by, why=why):
        return Redriven(name, "left", name, "its record has just changed: somebody else is working on it")
    try:
        _call_redrive(sluice, found)
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") != "ExecutionNotRedrivable":
            sluice.records.assets.close_again(record)
            raise
        return _after_refusal(sluice, record, str(exc), was_described="status" in found, by=by, why=why)
    return Redriven(name, "redriven", name)


def _call_redrive(sluice: Sluice, found: Any) -> None:
    """The token is the same for all who ask for the same redrive: it happens once."""
    token = hashlib.sha256(f"{found['executionArn']} {found.get('redriveCount', 0)}".encode()).hexdigest()
    sluice.aws.stepfunctions.redrive_execution(executionArn=found["executionArn"], clientToken=token)


def _after_refusal(
    sluice: Sluice, record: Record, refusal: str, *, was_described: bool, by: str, why: str | None
) -> Redriven:
    """Somebody else may have redriven it in the AWS console: in the same moment, and then the attempt is theirs, or
    before, where nobody had asked.
    """
    name = record.execution
    found = _describe(sluice, name)
    if found["status"] not in ENDED_BADLY and was_described:
        return Redriven(name, "left", name, "somebody else redrove it at the same moment")
    sluice.records.assets.close_again(record)
    if because := _why_left(found, record):
        return Redriven(name, "left", name, because)
    return _reprocess(sluice, name, record, _why_not_redrivable(found) or refusal, by=by, why=why)


def _redrive_without_asset(sluice: Sluice, found: Any) -> Redriven:
    """It failed before it had found its object."""
    name = found["name"]
    if found["status"] not in ENDED_BADLY:
        return Redriven(name, "left", name, "it did not fail: there is nothing to redrive")
    if because := _why_not_redrivable(found):
        raise NotThereError(f"{because}. It never came to an asset: start it again with `sluice start`.")
    _call_redrive(sluice, found)
    return Redriven(name, "redriven", name)


def _reprocess(sluice: Sluice, name: str, record: Record, because: str, *, by: str, why: str | None) -> Redriven:
    started = start_again(sluice, record, trigger="reprocess", by=by, why=why)
    return Redriven(name, "reprocessed", started, because)


def redrive_all(sluice: Sluice, names: Iterable[str], *, by: str, why: str | None = None) -> Iterator[Redriven]:
    """Redrive many, some at once, in the order given; one that AWS refuses keeps no other from it."""

    def each(name: str) -> Redriven:
        try:
            return patiently(lambda: _redrive_failed(sluice, name, by=by, why=why))
        except PROBLEMS as exc:
            return Redriven(name, "refused", name, str(exc))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(each, names)


# which have failed


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An execution that failed; without an asset where it never came to one. `ended` in ISO 8601."""

    execution: str
    error: str
    state: str | None
    message: str
    asset_id: str | None
    key: str | None
    bucket: str | None
    ended: str


def failed_executions(
    sluice: Sluice, *, since: datetime | None = None, error: str | None = None, state: str | None = None
) -> list[Failed]:
    """Executions that ended badly and that nothing has overtaken, the latest first; rejected files are none of them.

    By the index of failed records and by Step Functions' list, which also has those that failed without an asset, or
    that nobody has recorded.
    """
    executions = Executions(sluice.aws.stepfunctions, sluice.stack.state_machine_arn)
    listed = {each["name"]: each for each in executions.ended_badly(since=since or EVER)}
    recorded = {each.execution: each for each in _recorded(sluice, since)}
    links = sluice.records.links.assets_of(sorted(listed.keys() - recorded.keys()))
    known = sluice.records.assets.many(set(links.values()))
    records = {name: known.get(asset) for name, asset in links.items()} | recorded
    found = [_failed(sluice, name, listed.get(name), records.get(name)) for name in {**listed, **recorded}]
    wanted = [each for each in found if each and error in {None, each.error} and state in {None, each.state}]
    return sorted(wanted, key=lambda each: each.ended, reverse=True)


def _recorded(sluice: Sluice, since: datetime | None) -> list[Record]:
    return sluice.records.assets.by("by_status", "failed", since=since.isoformat() if since else "")


def _failed(sluice: Sluice, name: str, listed: Any, record: Record | None) -> Failed | None:
    """What is told of one; None where it does not count any more."""
    if record and (record.execution != name or (record.status != "failed" and not denies_failure(record))):
        return None
    reason = record.reason if record and record.reason else _reason(patiently(lambda: _describe(sluice, name)))
    ended = listed["stopDate"].isoformat() if listed else record.updated_at if record else ""
    return Failed(
        execution=name,
        error=reason.code,
        state=reason.state,
        message=reason.message,
        asset_id=record.asset_id if record else None,
        key=record.key if record else None,
        bucket=record.bucket if record else None,
        ended=ended,
    )


def _reason(found: Any) -> Reason:
    """In the words of the record that is still to be written; one that ran out of time has no error of its own."""
    told = CaughtError(error=found.get("error") or found["status"], cause=found.get("cause") or "")
    return Reason(code=told.error, message=told.message)
