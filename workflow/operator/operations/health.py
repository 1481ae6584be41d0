"""A stage's health: by the records, executions and each part that a stage needs; and by alarms, where there are any.

What cannot be read is not well, and keeps nothing else from being looked at.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared.announce import is_owed
from tasks.shared.executions import Executions
from tasks.shared.live_settings import parameter_name
from tasks.sweep.report import Did, Report
from workflow.errors import ResultNotProven, UnreadableRecord
from workflow.names import resource_name
from workflow.operator.client import LATELY, Sluice
from workflow.operator.operations import reprocess, spoken
from workflow.operator.operations.dead_letters import queues, runbook
from workflow.operator.stack import LOCAL
from workflow.operator.unrecorded import MAX_LISTED

LONG = timedelta(hours=1)
MAX_COUNTED = 100
MAX_ASKED = 20
LATEST_SWEEP = "sweeps/latest.json"


@dataclass(frozen=True)
class Check:
    """One question; `found` is a sentence, `advice` the command that fixes it or the page that says how.

    `ok` is None where nobody can tell, which is not well.
    """

    check: str
    ok: bool | None
    found: str
    advice: str = ""


def health(sluice: Sluice) -> list[Check]:
    """All checks; none reads more than the newest of anything."""
    return list(chain.from_iterable(_answers(name, partial(ask, sluice)) for name, ask in CHECKS.items()))


def _answers(name: str, ask: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(ask())
    except (ClientError, BotoCoreError) as exc:
        return [Check(name, False, f"It cannot be read: {exc}.", "Fix what AWS reports; `parts` says what is missing.")]
    except UnreadableRecord as exc:
        return [Check(name, False, str(exc), "see docs/operating.md#failures")]


# what it is made of


def _parts(sluice: Sluice) -> Iterator[Check]:
    """Whether each resource is there and answers; the advice makes what is gone anew, under its name."""
    missing = [(name, exc, advice) for name, look, advice in _all_parts(sluice) if (exc := _trouble(look))]
    for name, exc, advice in missing:
        yield Check(name, False, f"It cannot be used: {exc}.", advice)
    if not missing:
        yield Check("parts", True, "The table, buckets, topic and settings respond.")


def _all_parts(sluice: Sluice) -> Iterator[tuple[str, Callable[[], Any], str]]:
    aws, stack = sluice.aws, sluice.stack
    restored = "Restore it from its backup, under this name."
    yield "table", partial(aws.dynamodb.describe_table, TableName=stack.table), restored
    for place, bucket in asdict(stack.buckets).items():
        look = partial(aws.s3.head_bucket, Bucket=bucket)
        yield f"bucket {place}", look, f"aws s3 mb s3://{bucket}, or correct its policy or key"
    topic = stack.topic.rpartition(":")[2]
    look = partial(aws.sns.get_topic_attributes, TopicArn=stack.topic)
    yield "topic", look, f"aws sns create-topic --name {topic}; then `sluice sweep` sends what is owed"
    if stack.outcome_bus:
        look = partial(aws.client("events").describe_event_bus, Name=stack.outcome_bus)
        name = stack.outcome_bus.rpartition("/")[2]
        yield "bus", look, f"aws events create-event-bus --name {name}; then `sluice sweep` sends what is owed"
    parameter = parameter_name(stack.stage)
    made = f"aws ssm put-parameter --type String --value '{{}}' --name {parameter}"
    yield "live settings", partial(aws.ssm.get_parameter, Name=parameter), made


def _trouble(look: Callable[[], Any]) -> Exception | None:
    try:
        look()
    except (ClientError, BotoCoreError) as exc:
        return exc
    return None


def _alarms(sluice: Sluice) -> Iterator[Check]:
    """The embedded AWS evaluates none; on AWS, one that is not evaluated will not ring."""
    prefix = resource_name(sluice.stack.stage, "")
    pages = sluice.aws.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    known = [alarm for page in pages for alarm in page["MetricAlarms"]]
    ringing = [alarm for alarm in known if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        means, _, page = alarm.get("AlarmDescription", "").partition(" What to do: ")
        yield Check(f"alarm {alarm['AlarmName'].removeprefix(prefix)}", False, means, f"see {page}")
    blind = [alarm["AlarmName"].removeprefix(prefix) for alarm in known if alarm["StateValue"] == "INSUFFICIENT_DATA"]
    if blind and sluice.stack.stage == LOCAL:
        yield Check("alarms", None, f"{len(blind)} of {len(known)} are not evaluated here; the other checks need none.")
    elif blind:
        found = f"{len(blind)} of {len(known)} are not evaluated, such as {blind[0]}."
        yield Check("alarms", False, found, "Wait some minutes after a deployment; else deploy again.")
    elif known and not ringing:
        yield Check("alarms", True, f"None of {len(known)} is in alarm.")


# how the files do


def _uploads(sluice: Sluice) -> Iterator[Check]:
    found = sluice.aws.client("events").list_rules(NamePrefix=resource_name(sluice.stack.stage, "pipeline-OnUpload"))
    disabled = [rule["Name"] for rule in found["Rules"] if rule["State"] == "DISABLED"]
    if disabled:
        advice = f"aws events enable-rule --name {disabled[0]}"
        yield Check("uploads", False, "The rule that starts executions is disabled: uploads wait.", advice)
    else:
        yield Check("uploads", True, "Each starts an execution.")


def _failures(sluice: Sluice) -> Iterator[Check]:
    """Also those of which nobody has written it down, and executions that failed before they came to an asset."""
    since = datetime.now(UTC) - LATELY
    failed = sluice.assets(status="failed", since=since, limit=MAX_COUNTED)
    if failed:
        newest, code = failed[0].key, failed[0].code
        found = f"{_count(failed)} failed within a day, the newest by {code}: {newest}."
        yield Check("failures", False, found, "sluice redrive --failed --since 1d")
    without = _without_asset(sluice, since)
    if without:
        found = f"{len(without)} failed within a day before they came to an asset, such as {without[0]}."
        yield Check("executions", False, found, f"sluice execution {without[0]}")
    if not failed and not without:
        yield Check("failures", True, "No asset and no execution failed within a day.")


def _without_asset(sluice: Sluice, since: datetime) -> list[str]:
    executions = Executions(sluice.aws.stepfunctions, sluice.stack.state_machine_arn)
    names = [each["name"] for each in islice(executions.ended_badly(since=since), MAX_LISTED)]
    known = sluice.records.links.assets_of(names)
    return [name for name in names if name not in known]


def _outcomes(sluice: Sluice) -> Iterator[Check]:
    """Successes and rejections that could not be told have failed."""
    failed = sluice.records.assets.by("by_status", "failed", limit=MAX_COUNTED)
    owed = [record.key for record in failed if is_owed(record)]
    if owed:
        found = f"Nobody could be notified that {_count(owed)} failed, such as {owed[0]}."
        yield Check("outcomes", False, found, "sluice sweep")
    else:
        yield Check("outcomes", True, "All subscribers were notified.")


def _unproven(sluice: Sluice) -> Iterator[Check]:
    """Those that no redrive fixes: it would make the same again."""
    since = (datetime.now(UTC) - LATELY).isoformat()
    failed = sluice.records.assets.by("by_status", "failed", since=since, limit=MAX_COUNTED)
    unproven = [each for each in failed if each.code == ResultNotProven.__name__]
    if unproven:
        found = f"{_count(unproven)} were not published, as the result was not proven, such as {unproven[0].key}."
        yield Check("proofs", False, found, "see docs/runbook.md#results-not-proven")
    else:
        yield Check("proofs", True, "All results of the last day were proven.")


def _stuck(sluice: Sluice) -> Iterator[Check]:
    """A long video may take that long and be well: its record changes with each step only."""
    before = (datetime.now(UTC) - LONG).isoformat()
    waiting = list(islice(sluice.records.assets.newest("by_status", "processing", before=before), MAX_ASKED))
    stuck = [each for each in waiting if not sluice.running(each.execution_arn)]
    if stuck:
        found = f"{_count(stuck)} say `processing`, but no execution works on them, such as {stuck[0].key}."
        yield Check("at work", False, found, "sluice sweep")
    else:
        yield Check("at work", True, f"{len(waiting)} have been running for more than an hour.")


def _batches(sluice: Sluice) -> Iterator[Check]:
    """One that a person stopped is as it should be."""
    lately = datetime.now(UTC) - LATELY
    failed = [
        each.name
        for each in reprocess.batches(sluice, MAX_ASKED)
        if each.status in {"FAILED", "TIMED_OUT"} and each.stopped and each.stopped >= lately
    ]
    for name in failed:
        yield Check(f"batch {name}", False, "It failed within a day.", f"sluice batch {name} --report")
    if not failed:
        yield Check("batches", True, "None failed within a day.")


def _dead_letters(sluice: Sluice) -> Iterator[Check]:
    found = queues(sluice)
    for each in found:
        if each.problem:
            advice = f"aws sqs create-queue --queue-name {each.url.rpartition('/')[2]}"
            yield Check(f"queue {each.name}", False, f"It cannot be read: {each.problem}.", advice)
        elif each.messages:
            told = f"About {each.messages} {'message was' if each.messages == 1 else 'messages were'} given up."
            advice = f"`sluice dead-letters {each.name}` tells which and why; see {runbook(each.name)}"
            yield Check(f"dead letters of {each.name}", False, told, advice)
    if not any(each.messages or each.problem for each in found):
        yield Check("dead letters", True, f"None in {len(found)} queues.")


def _sweep(sluice: Sluice) -> Iterator[Check]:
    """What the sweeper found when it last looked, which costs nothing to read."""
    try:
        report = _latest_sweep(sluice)
    except msgspec.MsgspecError as exc:
        yield Check("sweep", False, f"The report of the last one cannot be read: {exc}.", "sluice sweep")
        return
    if report is None:
        yield Check("sweep", True, "No sweep has run yet.")
        return
    ago = datetime.now(UTC) - datetime.fromisoformat(report.at)
    oldest = timedelta(seconds=report.oldest_unprocessed_seconds)
    errors = report.counts[Did.TROUBLE]
    found = f"{spoken(ago)} ago the oldest file had waited {spoken(oldest)}; {errors} errors."
    yield Check("sweep", oldest < LONG and not errors and ago < LATELY, found, "sluice sweep")


def _latest_sweep(sluice: Sluice) -> Report | None:
    try:
        found = sluice.aws.s3.get_object(Bucket=sluice.buckets.operations, Key=LATEST_SWEEP)
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in {"NoSuchKey", "AccessDenied"}:
            return None
        raise
    return msgspec.json.decode(found["Body"].read(), type=Report)


def _records(sluice: Sluice) -> Iterator[Check]:
    """Those that the checks before came across."""
    found = sluice.unreadable()
    for each in found[:MAX_ASKED]:
        yield Check(f"record {each.asset_id}", False, each.problem, "see docs/operating.md#failures")
    if not found:
        yield Check("records", True, "All records read so far are readable.")


def _count(found: list[Any]) -> str:
    return f"{len(found)} or more assets" if len(found) == MAX_COUNTED else f"{len(found)} assets"


CHECKS: Mapping[str, Callable[[Sluice], Iterator[Check]]] = MappingProxyType(
    {
        "parts": _parts,
        "alarms": _alarms,
        "uploads": _uploads,
        "failures": _failures,
        "outcomes": _outcomes,
        "proofs": _unproven,
        "at work": _stuck,
        "batches": _batches,
        "dead letters": _dead_letters,
        "sweep": _sweep,
        "records": _records,
    }
)
