"""An execution's events as AWS's console lists them, and all that is known of the execution as one document."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflow.history import events_by_run
from workflow.operator.console.story import explained

_DATA = frozenset({"name", "input", "output", "inputDetails", "outputDetails", "parameters"})
"""What is shown beside it, or with the state, where it does not fill a table."""

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """An event; `seconds` since the execution began, `state` is "" where the event belongs to none."""

    number: int
    seconds: float
    kind: str
    state: str
    said: str


def rows(events: Sequence[Event]) -> list[Row]:
    """In the order in which they came."""
    states = {event["id"]: run.name for run, own in events_by_run(events) for event in own}
    began = events[0]["timestamp"] if events else None
    return [_row(event, began, states.get(event["id"], "")) for event in events]


def _row(event: Event, began: datetime | None, state: str) -> Row:
    seconds = (event["timestamp"] - began).total_seconds() if began else 0.0
    nothing: Mapping[str, Any] = {}
    details: Mapping[str, Any] = next((event[name] for name in event if name.endswith("EventDetails")), nothing)
    return Row(event["id"], seconds, event["type"], state, ", ".join(_said(details)))


def _said(details: Mapping[str, Any]) -> Iterable[str]:
    for name, value in details.items():
        if name == "cause":
            yield explained(value)[0]
        elif name not in _DATA and value not in (None, ""):
            yield f"{name} {value}"


def exported(execution: Mapping[str, Any], events: Sequence[Event], definition: Mapping[str, Any]) -> bytes:
    """JSON with times in ISO 8601."""
    whole = {"execution": execution, "definition": definition, "events": events}
    return json.dumps(whole, indent=2, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def marked(definition: Mapping[str, Any], state: str | None) -> tuple[str, str, str]:
    """The definition as text: what stands before the state, the state itself, and what stands behind it."""
    lines = json.dumps(definition, indent=2, ensure_ascii=False).splitlines(keepends=True)
    begin = next((at for at, line in enumerate(lines) if line.strip() == f'"{state}": {{'), None)
    if begin is None:
        return "".join(lines), "", ""
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    end = next(at for at in range(begin + 1, len(lines)) if lines[at].startswith(f"{indent}}}"))
    return "".join(lines[:begin]), "".join(lines[begin : end + 1]), "".join(lines[end + 1 :])
