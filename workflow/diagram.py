"""Draws a state machine as a Mermaid flowchart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflow.errors import rejections

States = Mapping[str, Mapping[str, Any]]

STYLES = {
    "Succeed": "fill:#e7f6ec,stroke:#1a7f37,color:#0f5323",
    "Fail": "fill:#fdeaea,stroke:#cf222e,color:#82071e",
}
"""Ends by type; colours that read on a light and on a dark page."""


def mermaid(definition: Mapping[str, Any]) -> str:
    """The steps in a row, catches dotted with the errors that lead there."""
    states: States = definition["States"]
    lines = ["flowchart LR", f"  start([start]) --> {definition['StartAt']}"]
    lines += [f"  {line}" for name, state in states.items() for line in _state(name, state)]
    lines += [f"  classDef {kind} {style}" for kind, style in STYLES.items()]
    return "\n".join(lines) + "\n"


def _state(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    if state["Type"] in STYLES:
        yield f"{name}([{name}]):::{state['Type']}"
    if "Next" in state:
        yield f"{name} --> {state['Next']}"
    if state.get("End"):
        yield f"{name} --> done([done]):::Succeed"
    if state["Type"] == "Map":
        yield f"{name}[[{name}]]"
    for catcher in state.get("Catch", ()):
        yield f'{name} -.->|"{_label(catcher["ErrorEquals"])}"| {catcher["Next"]}'


def _label(errors: Sequence[str]) -> str:
    if set(errors) == set(rejections()):
        return f"rejected ({len(errors)} codes)"
    return ", ".join(errors)
