"""Breaks the functions' connection to AWS at one call, before or after the call takes effect."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.unit.state_machine import Crash

Call = Callable[[], Any]


def unbroken(_call: str, take_effect: Call) -> Any:
    return take_effect()


def crash_before(_call: str, _take_effect: Call) -> Any:
    raise Crash


def crash_after(_call: str, take_effect: Call) -> Any:
    with suppress(ClientError):
        take_effect()
    raise Crash


def throttled(code: str, status: int) -> Callable[[str, Call], Any]:
    """AWS refuses, for the moment."""

    def refuse(call: str, _take_effect: Call) -> Any:
        response = {"Error": {"Code": code, "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(response, call.rpartition(":")[2])

    return refuse


@dataclass
class Wire:
    """Every AWS call that a function makes passes here; calls of the test itself do not.

    The call with the number `breaks_at` (from 0, over all functions) meets `fault`; every call whose name has one of
    those in `down`, such as "sns:", meets what is there. `after_write` is called whenever a call may have changed what
    is in S3.
    """

    breaks_at: int = -1
    fault: Callable[[str, Call], Any] = unbroken
    down: Mapping[str, Callable[[str, Call], Any]] = field(default_factory=dict)
    after_write: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)
    _function: str | None = None
    _is_dead: bool = False

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        self._function, self._is_dead = function, False
        try:
            yield
        finally:
            self._function = None

    @contextmanager
    def another(self) -> Iterator[None]:
        """While an invocation is at a call, others may begin and end."""
        under_way = self._function, self._is_dead
        self._function = None
        yield
        self._function, self._is_dead = under_way

    @contextmanager
    def connected(self, monkeypatch: Any) -> Iterator["Wire"]:
        direct = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: Any) -> Any:
            if self._function is None:
                return direct(client, operation, parameters)
            name = f"{self._function} {client.meta.service_model.service_name}:{operation}"
            return self._pass(name, lambda: direct(client, operation, parameters))

        with monkeypatch.context() as patched:
            patched.setattr(BaseClient, "_make_api_call", call)
            yield self

    def _pass(self, name: str, take_effect: Call) -> Any:
        if self._is_dead:
            raise Crash
        self.calls.append(name)
        try:
            return self._fault_of(name)(name, take_effect)
        except Crash:
            self._is_dead = True
            raise
        finally:
            self._look_around(name)

    def _fault_of(self, name: str) -> Callable[[str, Call], Any]:
        if len(self.calls) - 1 == self.breaks_at:
            return self.fault
        return next((fault for part, fault in self.down.items() if f" {part}" in name), unbroken)

    def _look_around(self, name: str) -> None:
        if " s3:" not in name or ":Get" in name or ":Head" in name:
            return
        with self.another():
            self.after_write()
