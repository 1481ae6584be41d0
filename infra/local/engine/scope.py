"""A line of states that runs in order: the machine itself, a Parallel branch, or a Map iteration.

Its progress is kept in the execution's record as a frame, `{"at": position}`, so that a redrive resumes where it
stood, also after a restart. A position is replaced whole and never changed: the record is saved while we write.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from infra.local.engine.errors import StateError
from infra.local.engine.history import ExecutionEndedError, Run, to_text, within_limit
from infra.local.ministack import stepfunctions as sf

Frame = dict[str, Any]
Position = dict[str, Any]
State = dict[str, Any]


def new_frame(start_at: str, data: Any, variables: dict[str, Any]) -> Frame:
    return {"at": _position(start_at, data, variables)}


def _position(state: str, data: Any, variables: dict[str, Any]) -> Position:
    return {"state": state, "input": data, "variables": variables, "event": 0, "time": None, "branches": None}


class Cancellable(Protocol):
    def cancel(self) -> None: ...


class Scope:
    """Runs the states of `machine` from the position in `frame`; `last_event` is the event that led here."""

    def __init__(
        self, run: Run, machine: dict[str, Any], frame: Frame, context: dict[str, Any], last_event: int = 0
    ) -> None:
        self.run = run
        self.states: dict[str, State] = machine["States"]
        self.frame = frame
        self.context: dict[str, Any] = {**context, "variables": {}}
        self.last_event = last_event
        self.branches: Sequence[Cancellable] = ()
        self.wake = threading.Event()
        self.cancelled = False

    @property
    def finished(self) -> bool:
        return "output" in self.frame["at"]

    @property
    def output(self) -> Any:
        return self.frame["at"]["output"]

    @property
    def name(self) -> str:
        return self.frame["at"]["state"]

    @property
    def state(self) -> State:
        return self.states[self.name]

    @property
    def input(self) -> Any:
        return self.frame["at"]["input"]

    def whole_number(self, field: str, default: int, fields: dict[str, Any] | None = None) -> int:
        """As `number`: what a path finds must be one."""
        return self._checked(field, default, int, "integer", fields)

    def fraction(self, field: str, default: float) -> float:
        return self._checked(field, default, (int, float), "float")

    def _checked(self, field: str, default: Any, kind: Any, name: str, fields: dict[str, Any] | None = None) -> Any:
        value = self.number(field, default, fields)
        path = (fields or self.state).get(f"{field}Path")
        if path is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            shown = value if isinstance(value, str) else to_text(value)
            cause = f'The {field}Path field refers to value "{shown}" which is not a valid {name}: {path}'
            raise StateError("States.Runtime", cause)
        return kind(value) if kind is int else value

    def number(self, field: str, default: Any = None, fields: dict[str, Any] | None = None) -> Any:
        """A number that the state, or a part of it, gives as such, by a path, or by a JSONata expression."""
        state = self.state if fields is None else fields
        if f"{field}Path" in state:
            return sf._resolve_path_or_ctx(state[f"{field}Path"], self.input, self.context)
        if isinstance(state.get(field), str):
            return sf._jsonata_state_field(state, field, "number", self.input, self.context)
        return state.get(field, default)

    def check(self) -> None:
        if self.cancelled:
            raise ExecutionEndedError

    def event(self, event_type: str, **details: Any) -> int:
        self.check()
        self.last_event = self.run.append(event_type, details, self.last_event)
        return self.last_event

    def aside(self, event_type: str, **details: Any) -> int:
        """An event that the following ones do not follow."""
        self.check()
        return self.run.append(event_type, details, self.last_event)

    def enter(self) -> State:
        """Enters the state; a redriven state goes on where it was entered before, but a Fail is entered anew."""
        position: Position = self.frame["at"]
        if not position["event"] or self.state["Type"] == "Fail":
            position = {**position, "event": self._entered_event(), "time": sf.now_iso()}
            self._move(position)
        self.context["variables"] = dict(position["variables"])
        self.context["State"] = {"Name": self.name, "EnteredTime": position["time"]}
        return self.state

    def leave(self, output: Any, following: str | None) -> None:
        text = within_limit(output, f"'{self.name}'")
        self.event(f"{self.state['Type']}StateExited", name=self.name, output=text, outputDetails={"truncated": False})
        if following is None:
            self._move({"output": output})
        else:
            variables: dict[str, Any] = self.context["variables"]
            self._move(_position(following, output, dict(variables)))

    def keep_branches(self, branches: Any) -> None:
        """Keeps what a redrive needs to know of the state's branches or child executions; None forgets them."""
        self._move({**self.frame["at"], "branches": branches})

    def _move(self, position: Position) -> None:
        self.frame["at"] = position
        self.run.moved()

    def pause(self, seconds: float) -> None:
        self.wait_until(lambda: False, seconds * sf._SFN_WAIT_SCALE)

    def wait_until(self, done: Callable[[], bool], seconds: float | None = None) -> bool:
        """Waits for whoever makes `done` true and then sets `wake`; False once `seconds` are over."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            self.wake.clear()
            self.check()
            if done():
                return True
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.wake.wait(left)

    def cancel(self) -> None:
        self.cancelled = True
        self.wake.set()
        for branch in self.branches:
            branch.cancel()

    def _entered_event(self) -> int:
        text = within_limit(self.input, f"'{self.name}'")
        details = {"name": self.name, "input": text, "inputDetails": {"truncated": False}}
        return self.event(f"{self.state['Type']}StateEntered", **details)
