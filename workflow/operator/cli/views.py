"""How results look in a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from tasks.shared.publish import EXTENSIONS
from tasks.shared.records.model import Record, Unreadable
from workflow.errors import explain
from workflow.history import StateRun
from workflow.operator.formatting import age, moment, size, took
from workflow.operator.shapes import Asset, Execution, ExecutionLine, LogLine, Outcome, Version
from workflow.operator.stack import Stack
from workflow.shapes import Pointer

STYLES = {
    "succeeded": "green",
    "rejected": "yellow",
    "failed": "red",
    "duplicate": "cyan",
    "processing": "blue",
    "running": "blue",
    "caught": "yellow",
    "timed_out": "red",
    "aborted": "red",
    "pending_redrive": "blue",
    "discarded": "dim",
    "redriven": "green",
    "reprocessed": "cyan",
    "refused": "red",
    "unreadable": "red",
}
WHOLE = {"asset", "execution", "status", "ago", "took"}
"""Columns that are never broken: ids are copied from them."""

FOUND = {True: Text("✔", "green"), False: Text("✘", "red"), None: Text("?", "yellow")}
NAMED_AT_MOST = 20
"""Lists that a person is to take in name so many; --json has all."""
MARKS = {"succeeded": "✔", "caught": "↷", "failed": "✘", "running": "●"}


def colored(status: str) -> Text:
    return Text(status, style=STYLES.get(status.lower(), ""))


def table(*columns: str, title: str | None = None) -> Table:
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in WHOLE)
    return made


def where(pointer: Pointer) -> str:
    return f"s3://{pointer.bucket}/{pointer.key}"


def stack_view(stack: Stack) -> RenderableType:
    rows = [("stage", stack.stage), ("endpoint", stack.endpoint or "AWS"), ("region", stack.region)]
    rows += [("state machine", stack.state_machine_arn), ("table", stack.table), ("topic", stack.topic)]
    rows += [
        (name, f"s3://{getattr(stack.buckets, name)}")
        for name in ("ingest", "output", "archive", "quarantine", "expanded", "operations")
    ]
    return pairs(rows)


def pairs(rows: Iterable[tuple[str, Any]]) -> Table:
    """Names and values, without a header."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, value if isinstance(value, Text) else str(value))
    return made


def executions_view(found: Iterable[ExecutionLine]) -> RenderableType:
    made = table("execution", "status", "file", "ago", "took", "error")
    for each in found:
        row = (each.key, age(each.started), took(each.seconds), each.error)
        made.add_row(each.name, colored(each.status), *row)
    return made


def execution_view(found: Execution) -> RenderableType:
    head = [("execution", found.name), ("status", colored(found.status)), ("started", moment(str(found.started)))]
    head += [("took", took(found.seconds))]
    head += [("error", Text(found.error, style="red"))] if found.error else []
    head += [("cause", found.cause)] if found.cause else []
    data = [("input", found.input), ("output", found.output)]
    shown = [
        part for name, value in data if value is not None for part in (Text(f"\n{name}", "bold"), JSON.from_data(value))
    ]
    return Group(pairs(head), Text(), states_view(found.states), *shown)


def states_view(states: Iterable[StateRun]) -> Table:
    made = table("state", "outcome", "attempts", "took", "error")
    for state in states:
        _add_state(made, state, state.name)
        for part in state.inside:
            _add_state(made, part, f"  {part.name}")
    return made


def _add_state(made: Table, state: StateRun, name: str) -> None:
    mark = f"{MARKS[state.outcome]} {state.outcome}"
    attempts = str(state.attempts) if state.attempts else ""
    made.add_row(name, Text(mark, STYLES[state.outcome]), attempts, took(state.seconds), state.error or "")


def assets_view(found: Iterable[Record], unreadable: Iterable[Unreadable] = ()) -> RenderableType:
    made = table("asset", "status", "file", "ago", "reason")
    reasons: Counter[str] = Counter()
    for each in found:
        reason = each.code or ""
        made.add_row(each.asset_id, colored(each.status), each.key, age(each.updated_at), reason)
        reasons.update([reason] if reason else [])
    for each in unreadable:
        made.add_row(each.asset_id, colored("unreadable"), each.key, "", each.problem)
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return Group(made, Text(f"Reasons of these: {counts}")) if counts else made


def asset_view(found: Asset) -> RenderableType:
    record = found.record
    reason = record.reason
    rows: list[tuple[str, Any]] = [
        ("asset", record.asset_id),
        ("status", colored(record.status)),
        *([("reason", f"{reason.code}: {reason.message}")] if reason else []),
        *([("what to do", known.advice)] if reason and (known := explain(reason.code)) else []),
        *([("reused", f"content equals asset {record.reused_from}")] if record.reused_from else []),
        *([("degraded", record.degraded)] if record.degraded else []),
        *[("note", note) for note in record.notes],
        ("uploaded as", f"s3://{record.object_key} (version {record.version_id})"),
        ("original", f"{where(record.original)} ({record.original.storage_class})"),
        *decisions(record),
        ("size", size(record.size)),
        *([("type", f"{record.kind}, {record.media_type}")] if record.kind else []),
        *[(name, value) for name, value in record.facts.items()],
    ]
    return Group(pairs(rows), files_view(record), attempts_view(record), versions_view(found.versions))


def decisions(record: Record) -> list[tuple[str, str]]:
    """What people asked for that no attempt tells of."""
    rows: list[tuple[str, str]] = []
    if asked := record.restore:
        then = "then processed again" if asked.then_reprocess else "only made readable"
        rows.append(("restore", f"asked {moment(asked.asked_at)} by {asked.by}: {asked.tier}, {then}"))
    if until := record.restored_until:
        rows.append(("readable until", moment(until)))
    if gone := record.discarded:
        rows.append(("discarded", f"{moment(gone.at)} by {gone.by}: {gone.why}"))
    return rows


def files_view(record: Record) -> RenderableType:
    files = (*record.renditions, *record.thumbnails)
    bucket = f", in s3://{files[0].bucket}" if files else ""
    made = table("file", "type", "pixels", "size", title=f"\nMade from it{bucket}")
    for file in files:
        pixels = f"{file.width} × {file.height}" if file.width else ""
        made.add_row(file.key, file.content_type.partition(";")[0], pixels, size(file.bytes))
    return made if made.row_count else Text()


def attempts_view(record: Record) -> RenderableType:
    made = table("#", "trigger", "by", "execution", "started", "outcome", "why", title="\nAttempts")
    for each in record.attempts:
        outcome = colored(each.outcome or "processing")
        when = (each.execution, moment(each.started_at), outcome)
        made.add_row(str(each.number), each.trigger, each.by or "", *when, each.why or "")
    return made


def versions_view(versions: Iterable[Version]) -> RenderableType:
    made = table("asset", "version", "status", "uploaded", "", title="\nVersions of this key, newest first")
    for each in versions:
        current = "current" if each.current else ""
        made.add_row(each.asset_id, each.version_id, colored(each.status), moment(each.last_modified), current)
    return made


def outcomes_view(outcomes: Sequence[Outcome], title: str | None = None) -> RenderableType:
    """What became of each file: the table at the end of `put --wait` and `demo`."""
    made = table("file", "outcome", "took", "made", "original now", "reason", title=title)
    for each in outcomes:
        row = (
            each.key,
            colored(each.outcome),
            took(each.seconds),
            made_of(each),
            each.original.place,
        )
        made.add_row(*row, each.reason or note(each))
    messages = [(f"{each.key}: ", each.message) for each in outcomes if each.message]
    return Group(made, *[Text.assemble((key, "bold"), message, "\n") for key, message in messages])


def made_of(outcome: Outcome) -> str:
    """The rendition and the thumbnails in a few words."""
    if not outcome.renditions:
        return ""
    main = outcome.renditions[0]
    kind = EXTENSIONS[main.content_type].removeprefix(".")
    extent = f"{main.width}×{main.height}" if main.width else size(main.bytes)
    return f"{kind} {extent}, {len(outcome.thumbnails)} previews"


def note(outcome: Outcome) -> str:
    """What is worth knowing of a file that ended well."""
    if outcome.reused_from:
        return f"same content as {outcome.reused_from[:8]}…"
    return "degraded" if outcome.degraded else ""


def logs_view(lines: Iterable[LogLine]) -> RenderableType:
    made = table("time", "task", "level", "message")
    for line in lines:
        extra = {name: line.said[name] for name in ("ms", "error", "reason") if name in line.said}
        made.add_row(line.time[11:23], line.task, line.level, f"{line.message} {extra or ''}".strip())
    return made


def findings_view(findings: Iterable[Any]) -> RenderableType:
    made = table("", "check", "found", "what to do")
    for each in findings:
        made.add_row(FOUND[each.ok], each.check, each.found, "" if each.ok else each.advice)
    return made
