"""Is it well? Alarms that ring, and what can be read at once without them: indexes, batches, queues, rule, sweep."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from botocore.exceptions import ClientError

from workflow.client import Sluice
from workflow.errors import ResultNotProven
from workflow.names import resource_name
from workflow.operations import reprocess

LATELY = timedelta(days=1)
LONG = timedelta(hours=1)
MOST_COUNTED = 100
MOST_ASKED = 20
LATEST_SWEEP = "sweeps/latest.json"


@dataclass(frozen=True)
class Check:
    """One question; `found` is a sentence, `advice` the command that mends it or the page that says how."""

    check: str
    ok: bool
    found: str
    advice: str = ""


def health(sluice: Sluice) -> list[Check]:
    """All checks; none reads more than the first hundred of anything."""
    return list(chain.from_iterable(ask(sluice) for ask in CHECKS))


def _alarms(sluice: Sluice) -> Iterator[Check]:
    prefix = resource_name(sluice.stack.stage, "")
    pages = sluice.aws.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    known = [alarm for page in pages for alarm in page["MetricAlarms"]]
    ringing = [alarm for alarm in known if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        means, _, page = alarm.get("AlarmDescription", "").partition(" What to do: ")
        yield Check(f"alarm {alarm['AlarmName'].removeprefix(prefix)}", False, means, f"see {page}")
    if not ringing:
        yield Check("alarms", True, f"None of {len(known)} rings.")


def _uploads(sluice: Sluice) -> Iterator[Check]:
    found = sluice.aws.client("events").list_rules(NamePrefix=resource_name(sluice.stack.stage, "pipeline-OnUpload"))
    disabled = [rule["Name"] for rule in found["Rules"] if rule["State"] == "DISABLED"]
    if disabled:
        advice = f"aws events enable-rule --name {disabled[0]}"
        yield Check("uploads", False, "The rule that starts executions is disabled: uploads wait.", advice)
    else:
        yield Check("uploads", True, "Each starts an execution.")


def _failures(sluice: Sluice) -> Iterator[Check]:
    since = (datetime.now(UTC) - LATELY).isoformat()
    failed = sluice.records.by("by_status", "failed", since=since, limit=MOST_COUNTED)
    if failed:
        newest, code = failed[0]["key"], failed[0].get("reason", {}).get("code")
        found = f"{_count(failed)} failed within a day, the newest by {code}: {newest}."
        yield Check("failures", False, found, "sluice redrive --failed --since 1d")
    else:
        yield Check("failures", True, "No asset failed within a day.")


def _unproven(sluice: Sluice) -> Iterator[Check]:
    """Those that no redrive mends: it would make the same again."""
    since = (datetime.now(UTC) - LATELY).isoformat()
    failed = sluice.records.by("by_status", "failed", since=since, limit=MOST_COUNTED)
    unproven = [each for each in failed if each.get("reason", {}).get("code") == ResultNotProven.__name__]
    if unproven:
        found = f"{_count(unproven)} are not published, as the result is not proven, such as {unproven[0]['key']}."
        yield Check("proofs", False, found, "see docs/runbook.md#results-not-proven")
    else:
        yield Check("proofs", True, "What was made within a day is proven.")


def _stuck(sluice: Sluice) -> Iterator[Check]:
    """A long video may take that long and be well: its record changes with each step only."""
    before = (datetime.now(UTC) - LONG).isoformat()
    waiting = list(islice(sluice.records.newest("by_status", "processing", before=before), MOST_ASKED))
    stuck = [each for each in waiting if not sluice.running(each["execution_arn"])]
    if stuck:
        found = f"{_count(stuck)} are said to be processed, but nothing works on them, such as {stuck[0]['key']}."
        yield Check("at work", False, found, "sluice sweep")
    else:
        yield Check("at work", True, f"{len(waiting)} have been at work for more than an hour.")


def _batches(sluice: Sluice) -> Iterator[Check]:
    """One that a person stopped is as it should be."""
    lately = datetime.now(UTC) - LATELY
    failed = [
        each["name"]
        for each in reprocess.batches(sluice, MOST_ASKED)
        if each["status"] in {"FAILED", "TIMED_OUT"} and each["stopped"] >= lately
    ]
    for name in failed:
        yield Check(f"batch {name}", False, "It failed within a day.", f"sluice batch {name} --report")
    if not failed:
        yield Check("batches", True, "None failed within a day.")


def _dead_letters(sluice: Sluice) -> Iterator[Check]:
    sqs, name = sluice.aws.client("sqs"), "ApproximateNumberOfMessages"
    counts = {
        queue: int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
        for queue, url in _dead_letter_queues(sluice).items()
    }
    for queue, count in counts.items():
        if count:
            found = f"About {count} messages were given up."
            yield Check(f"dead letters of {queue}", False, found, "sluice redrive --dlq --dry-run")
    if not any(counts.values()):
        yield Check("dead letters", True, f"None in {len(counts)} queues.")


def _dead_letter_queues(sluice: Sluice) -> dict[str, str]:
    stacks = sluice.aws.cloudformation.describe_stacks(StackName=resource_name(sluice.stack.stage, "pipeline"))
    outputs = {
        each.get("OutputKey", ""): each.get("OutputValue", "") for each in stacks["Stacks"][0].get("Outputs", [])
    }
    ending = "DlqUrl"
    return {name.removesuffix(ending).lower(): url for name, url in outputs.items() if name.endswith(ending)}


def _sweep(sluice: Sluice) -> Iterator[Check]:
    """What the sweeper found when it last looked, which costs nothing to read."""
    report = _latest_sweep(sluice)
    if report is None:
        yield Check("sweep", True, "None has looked yet.")
        return
    ago = datetime.now(UTC) - datetime.fromisoformat(report["at"])
    oldest = timedelta(seconds=report["oldest_unprocessed_seconds"])
    troubles = sum(each["did"] == "trouble" for each in report["findings"])
    found = f"{int(ago.total_seconds() // 60)} minutes ago the oldest file had waited {oldest}; {troubles} troubles."
    yield Check("sweep", oldest < LONG and not troubles and ago < LATELY, found, "sluice sweep")


def _latest_sweep(sluice: Sluice) -> Any:
    try:
        found = sluice.aws.s3.get_object(Bucket=sluice.buckets.operations, Key=LATEST_SWEEP)
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in {"NoSuchKey", "AccessDenied"}:
            return None
        raise
    return json.load(found["Body"])


def _count(found: list[Any]) -> str:
    return f"{len(found)} or more assets" if len(found) == MOST_COUNTED else f"{len(found)} assets"


CHECKS: tuple[Callable[[Sluice], Iterator[Check]], ...] = (
    _alarms,
    _uploads,
    _failures,
    _unproven,
    _stuck,
    _batches,
    _dead_letters,
    _sweep,
)
