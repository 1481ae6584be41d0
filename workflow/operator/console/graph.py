"""Draws a state machine with what happened in it, as a Mermaid flowchart: colour, sign and words for each state."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow.operator.console.story import Summary
from workflow.operator.formatting import took

States = Mapping[str, Mapping[str, Any]]

SIGNS = {"succeeded": "✔", "caught": "↷", "failed": "✘", "running": "●", "rejected": "✘"}
ROOM_FOR_ERRORS = 3


def flowchart(definition: Mapping[str, Any], happened: Mapping[str, Summary], *, with_errors: bool = True) -> str:
    """The states from top to bottom; those inside a Map stand in a frame with its name.

    Without errors, what only an error leads to is left out unless it was entered, so that the rest is a straight line.
    """
    states = definition["States"] if with_errors else _walked(definition, happened)
    lines = ["flowchart TB", f"  start(( )):::edge --> {definition['StartAt']}"]
    lines += [f"  {line}" for line in _states(states, happened)]
    return "\n".join(lines) + "\n"


def _walked(definition: Mapping[str, Any], happened: Mapping[str, Summary]) -> States:
    """The happy path, and whatever was entered beside it; error edges lead only to what was entered."""
    states, name = definition["States"], definition["StartAt"]
    spine: list[str] = []
    while name and name not in spine:
        spine.append(name)
        name = states[name].get("Next")
    kept = {name: states[name] for name in states if name in spine or name in happened}
    return {name: {**state, "Catch": _taken(name, state, happened)} for name, state in kept.items()}


def _taken(name: str, state: Mapping[str, Any], happened: Mapping[str, Summary]) -> list[Mapping[str, Any]]:
    return [catcher for catcher in state.get("Catch", ()) if _was_taken(name, catcher, happened)]


def _was_taken(name: str, catcher: Mapping[str, Any], happened: Mapping[str, Summary]) -> bool:
    return name in happened and happened[name].outcome == "caught" and catcher["Next"] in happened


def names(definition: Mapping[str, Any]) -> list[str]:
    """All states, those within a Map after it."""
    found: list[str] = []
    for name, state in definition["States"].items():
        found += [name, *(names(inner) if (inner := _inside(state)) else [])]
    return found


def _states(states: States, happened: Mapping[str, Summary]) -> Iterator[str]:
    for name, state in states.items():
        inner = _inside(state)
        yield from _frame(name, inner, happened) if inner else [_node(name, state, happened.get(name))]
        yield from _edges(name, state, happened)


def _inside(state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return state.get("ItemProcessor") or state.get("Iterator")


def _frame(name: str, inner: Mapping[str, Any], happened: Mapping[str, Summary]) -> Iterator[str]:
    summary = happened.get(name)
    yield f'subgraph {name}["{_label(name, summary)}"]'
    yield from _states(inner["States"], happened)
    yield "end"
    yield f"class {name} {_look(summary)}"


def _node(name: str, state: Mapping[str, Any], summary: Summary | None) -> str:
    left, right = ("([", "])") if state["Type"] in {"Succeed", "Fail"} else ("(", ")")
    look = "failed" if summary and state["Type"] == "Fail" else _look(summary)
    return f'{name}{left}"{_label(name, summary, state)}"{right}:::{look}'


def _look(summary: Summary | None) -> str:
    return summary.outcome if summary else "waiting"


def _label(name: str, summary: Summary | None, state: Mapping[str, Any] | None = None) -> str:
    if summary is None:
        return name
    failed_end = state is not None and state["Type"] == "Fail"
    sign = SIGNS["failed" if failed_end else summary.outcome]
    return f"{sign} {name}<br/>{_words(summary)}" if _words(summary) else f"{sign} {name}"


def _words(summary: Summary) -> str:
    several = f"{summary.done} of {summary.visits}" if summary.visits > 1 else ""
    duration = took(summary.seconds)
    retried = f"retried {summary.retries}×" if summary.retries else ""
    doing = summary.outcome if summary.outcome in {"running", "caught"} else ""
    return " · ".join(each for each in (several, doing, duration, retried) if each)


def _edges(name: str, state: Mapping[str, Any], happened: Mapping[str, Summary]) -> Iterator[str]:
    went = name in happened
    if "Next" in state:
        yield f"{name} {_arrow(walked=went and state['Next'] in happened)} {state['Next']}"
    for catcher in state.get("Catch", ()):
        taken = _was_taken(name, catcher, happened)
        yield f'{name} {_arrow(walked=taken, dotted=True)}|"{_errors(catcher["ErrorEquals"])}"| {catcher["Next"]}'


def _arrow(*, walked: bool, dotted: bool = False) -> str:
    if dotted:
        return "-.->" if not walked else "==>"
    return "==>" if walked else "-->"


def _errors(errors: list[str]) -> str:
    return ", ".join(errors) if len(errors) < ROOM_FOR_ERRORS else f"{len(errors)} reject codes"
