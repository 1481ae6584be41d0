"""One execution: its state graph as it goes, what a state got, made and said, and where the time went."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from tasks.shared.executions import LIVE
from tasks.shared.records.model import Record
from workflow.events import ENDED_BADLY
from workflow.limits import TASKS
from workflow.names import task_name
from workflow.operator import previews
from workflow.operator.client import Sluice
from workflow.operator.console import charts, events, graph
from workflow.operator.console.actions import Actions, Chosen
from workflow.operator.console.advice import advice_on
from workflow.operator.console.events import Event
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part, ask, sentence
from workflow.operator.console.story import Attempt, Summary, Visit, explained, summaries, visits
from workflow.operator.console.timeline import bars
from workflow.operator.console.widgets import (
    Chart,
    asset_path,
    box,
    button,
    chip,
    clock,
    code,
    empty,
    link,
    panel,
    plain_table,
    shown,
    text,
    took,
)
from workflow.operator.operations.stop import Running
from workflow.operator.patience import PROBLEMS
from workflow.operator.shapes import Execution, LogLine

Definition = Mapping[str, Any]
"""In the Amazon States Language."""

VISITS_SHOWN = 20
ROWS_SHOWN = 1_000
MERMAID = {
    "theme": "base", "themeVariables": {"fontSize": "13px"}, "securityLevel": "strict", "fontFamily": "inherit",
    "flowchart": {"curve": "basis", "nodeSpacing": 26, "rankSpacing": 30, "padding": 9},
}  # fmt: skip
ORDER_OF_INTEREST = ("failed", "running", "caught")


@dataclass(frozen=True)
class Seen:
    """An execution as it is at a moment, with the definition that it runs by."""

    execution: Execution
    events: list[Event]
    visits: list[Visit]
    record: Record | None
    definition: Definition

    def of_state(self, name: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.name == name]


def add_to_site(console: Console) -> None:
    @ui.page("/executions/{name}")
    def execution(name: str) -> None:
        with frame(console, "Execution", at="Executions"):
            _Page(console, name)


class _Page:
    """Its parts change on their own, so that one who reads an error keeps it while other states go on."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._definition: Definition | None = None
        self._chosen: str | None = None
        self._seen: Seen | None = None
        self._head = Part()
        self._body = box("grid cols-graph")
        self._data = Part()
        self._more = box("grid")
        self._with_errors = False
        self._live = Live(self._load, self._changed)

    def _load(self) -> Seen:
        sluice = self._console.sluice
        found = sluice.execution(self._name, with_states=False)
        self._definition = self._definition or _definition(sluice, found.arn)
        asset = sluice.records.links.asset_of(found.name)
        record, history = sluice.records.assets.get(asset) if asset else None, _events(sluice, found.arn)
        return Seen(found, history, visits(history), record, self._definition)

    def _changed(self, seen: Seen) -> None:
        if self._seen is None:
            self._lay_out()
        self._seen = seen
        head = (seen.execution.status, seen.execution.redrives, seen.record)
        self._head.show(head, lambda _: _head(self._console, seen))
        self._graph.show((summaries(seen.visits), self._with_errors), lambda told: self._draw_graph(*told))
        self._show_state()
        found = bars(seen.visits, seen.execution.started, seen.execution.stopped or datetime.now(UTC))
        self._time.show(charts.timeline(found), charts.timeline_pixels(found))
        self._data.show((seen.execution.input, seen.execution.output), lambda data: _execution_data(*data))
        self._states.show(seen.visits, _draw_states)
        self._events.show(seen.events, _draw_events)
        current = seen.visits[-1].name if seen.visits else None
        self._asl.show(current, lambda name: _draw_definition(*events.marked(seen.definition, name)))

    def _lay_out(self) -> None:
        with self._body:
            with panel("State graph"):
                ui.switch("Error paths", on_change=self._show_errors).props("dense")
                self._graph = Part()
            with box("grid"):
                with panel("State"):
                    self._detail = Part()
                    self._logs = box("grid")
                with panel("Where the time went"):
                    self._time = Chart("Time in each state; its attempts are in the table")
        with self._more, panel("All of it"):
            self._states, self._events, self._asl = map(_folded, ("States", "Events", "Definition"))
            button("Export as JSON", "download", on_click=self._export)

    def _show_errors(self, event: ValueChangeEventArguments[bool | None]) -> None:
        self._with_errors = bool(event.value)
        if self._seen:
            self._changed(self._seen)

    def _export(self) -> None:
        if self._seen:
            found = events.exported(self._seen.execution.facts(), self._seen.events, self._seen.definition)
            ui.download.content(found, f"{self._name}.json", "application/json")

    def _draw_graph(self, happened: Mapping[str, Summary], with_errors: bool) -> None:
        if self._seen is None:
            return
        definition = self._seen.definition
        flowchart = graph.flowchart(definition, happened, with_errors=with_errors)
        drawn = ui.mermaid(flowchart, config=MERMAID).classes("graph")
        drawn.props('role=img aria-label="State graph; the buttons below tell the same"')
        # The node's id has Mermaid's own words before the name of the state.
        drawn.on_node_click(lambda event: self._choose(event.node_id.rpartition("-")[2]))
        with box("states").props('role=group aria-label="States that it has entered"'):
            for name in (each for each in graph.names(definition) if each in happened):
                outcome = happened[name].outcome
                made = button(f"{graph.SIGNS[outcome]} {name}", on_click=partial(self._choose, name))
                made.props(f'aria-label="{name}: {outcome}"')

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._logs.clear()
        self._show_state()

    def _show_state(self) -> None:
        if self._seen is None:
            return
        name = self._chosen or _most_interesting(self._seen.visits)
        own = self._seen.of_state(name) if name else []
        self._detail.show((name, own), lambda _: self._draw_state(name, own))

    def _draw_state(self, name: str | None, own: list[Visit]) -> None:
        text(name or "No state yet", "h1")
        if not own:
            empty("Not entered", "The execution has not entered this state.")
            return
        _draw_visits(own)
        if name and task_name(name) in TASKS:
            button("Log lines of this state", "subject", on_click=partial(self._show_logs, task_name(name)))

    async def _show_logs(self, task: str) -> None:
        try:
            lines = await ask(self._console.sluice.logs, self._name, task)
        except PROBLEMS as exc:
            lines = [LogLine("", task, {"level": "ERROR", "message": sentence(exc)})]
        self._logs.clear()
        with self._logs:
            _log_lines(lines)


def _events(sluice: Sluice, arn: str) -> list[Event]:
    pages: Any = sluice.aws.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def _folded(label: str) -> Part:
    with ui.expansion(label).classes("full-width").props("dense"):
        return Part()


def _draw_states(told: Sequence[Visit]) -> None:
    rows = map(_state_row, told[:ROWS_SHOWN])
    plain_table("States, in the order entered", ("state", "outcome", "entered", "took", "attempts", "error"), rows)
    _cut(len(told))


def _state_row(visit: Visit) -> Iterable[object]:
    error = next((each.error for each in reversed(visit.attempts) if each.error), "")
    outcome, entered = partial(chip, visit.run.outcome), clock(visit.run.entered)
    return visit.name, outcome, entered, took(visit.run.seconds), len(visit.attempts), error


def _draw_events(found: Sequence[Event]) -> None:
    rows = [
        (each.number, partial(text, f"{each.seconds:.3f} s", classes="nowrap"), each.kind, each.state, each.said)
        for each in events.rows(found)
    ]
    plain_table("Events", ("id", "after", "type", "state", "details"), rows[:ROWS_SHOWN])
    _cut(len(rows))


def _cut(count: int) -> None:
    if count > ROWS_SHOWN:
        text(f"The first {ROWS_SHOWN:,} of {count:,} are shown; the export has all.", "p", "muted small")


def _draw_definition(before: str, state: str, behind: str) -> None:
    with box("code", tag="pre").props('tabindex=0 role=region aria-label="Definition"'):
        text(before)
        if state:
            text(state, "mark").props('aria-label="The state that it is in, or was in last"')
        text(behind)


def _definition(sluice: Sluice, arn: str) -> Definition:
    """The one that this execution runs by, which a later deployment does not change."""
    found = sluice.aws.stepfunctions.describe_state_machine_for_execution(executionArn=arn)
    return json.loads(found["definition"])


def _most_interesting(told: list[Visit]) -> str | None:
    """The state that a person would look at first: what failed, what is at work, else the last one."""
    for outcome in ORDER_OF_INTEREST:
        if found := next((visit.name for visit in told if visit.run.outcome == outcome and visit.attempts), None):
            return found
    return told[-1].name if told else None


def _head(console: Console, seen: Seen) -> None:
    found, record = seen.execution, seen.record
    title = shown(record.key) if record else found.name
    ui.page_title(f"{title} · {found.status.lower()} · Sluice")
    with page_head(title, crumbs="Executions", crumbs_to="/executions"):
        _do(console, seen)
    with box("bar small").props("aria-live=polite"):
        chip(found.status)
        text(f"started {clock(found.started)}", classes="muted")
        if found.seconds is not None:
            text(f"took {took(found.seconds)}", classes="muted")
        if found.redrives:
            text(f"redriven {found.redrives}×", classes="muted")
        if record:
            link("asset", asset_path(record.asset_id))
        if page := console.step_functions_url(found.arn):
            link("Step Functions console", page, new_tab=True)
        text(found.name, classes="mono muted wrap")
    if found.error:
        _callout(found.error, found.cause or "")


def _do(console: Console, seen: Seen) -> None:
    actions = Actions(console)
    rejected = seen.record and seen.record.status == "rejected"
    if seen.execution.status in ENDED_BADLY and not rejected:
        causes = previews.causes([_cause(seen)])
        redrive = partial(actions.redrive_executions, [seen.execution.name], causes)
        button("Redrive", "replay", look="primary", on_click=redrive)
    if seen.execution.status in LIVE:
        button("Stop", "stop", on_click=partial(actions.stop_executions, [_running(seen)]))
    if seen.record:
        for label, act in actions.possible(seen.record).items():
            if label != "Redrive":
                button(label, on_click=partial(act, Chosen((seen.record,))))


def _running(seen: Seen) -> Running:
    found, record = seen.execution, seen.record
    known = (record.key, record.asset_id, record.kind) if record else (None, None, None)
    return Running(found.name, *known, found.started.isoformat())


def _cause(seen: Seen) -> tuple[str, str | None]:
    if seen.record and seen.record.reason:
        return seen.record.reason.code, seen.record.reason.state
    return seen.execution.error or seen.execution.status, None


def _callout(error: str, cause: str) -> None:
    message, _ = explained(cause)
    with box("callout bad").props("role=alert"):
        text(error, "h2", "mono")
        text(message, "p", "wrap")
        if advice := advice_on(error):
            text(f"What to do: {advice}", "p", "muted")


def _draw_visits(own: list[Visit]) -> None:
    for number, visit in enumerate(own[:VISITS_SHOWN], start=1):
        if len(own) > 1:
            text(f"{number} of {len(own)}", "h2")
        _draw_visit(visit)
    if len(own) > VISITS_SHOWN:
        text(f"The first {VISITS_SHOWN} of {len(own)} are shown.", "p", "muted small")


def _draw_visit(visit: Visit) -> None:
    with box("bar small"):
        chip(visit.run.outcome)
        text(f"entered {clock(visit.run.entered)}", classes="muted")
        text(took(visit.run.seconds), classes="muted")
    if visit.attempts:
        rows = [_attempt_row(number, each) for number, each in enumerate(visit.attempts, start=1)]
        plain_table("Attempts", ("#", "outcome", "waited", "worked", "error"), rows)
    for attempt in visit.attempts:
        if attempt.stack:
            code(attempt.stack, "Stack trace")
    _data(visit.data_in, visit.data_out, f"{visit.name}")


def _attempt_row(number: int, each: Attempt) -> Iterable[object]:
    started = each.started or each.ended
    waited = took((started - each.scheduled).total_seconds()) if started else ""
    worked = took((each.ended - started).total_seconds()) if started and each.ended else ""
    return (number, partial(chip, each.outcome), waited, worked, f"{each.error}: {each.message}" if each.error else "")


def _execution_data(data_in: Any, data_out: Any) -> None:
    with panel("Input and output of the execution"):
        _data(data_in, data_out, "the execution")


def _data(data_in: Any, data_out: Any, whose: str) -> None:
    with box("grid"):
        for label, data in (("Input", data_in), ("Output", data_out)):
            with ui.expansion(label).classes("full-width").props("dense"):
                code(data if data is not None else "none yet", f"{label} of {whose}")


def _log_lines(lines: list[LogLine]) -> None:
    if not lines:
        empty("No log lines", "They may arrive a few seconds late; on AWS they expire with the log retention.")
        return
    rows = [(line.time[11:23], line.level, _said(line)) for line in lines]
    plain_table("Log lines", ("time", "level", "message"), rows)


def _said(line: LogLine) -> str:
    more = {name: line.said[name] for name in ("ms", "error", "reason", "exception") if name in line.said}
    return f"{line.message} {json.dumps(more, default=str) if more else ''}".strip()
