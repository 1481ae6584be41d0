"""The sweep may die anywhere, run twice at once and meet executions at any moment: each asset ends once, and well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.wire import Call, crash_after, unbroken
from tests.faults.world import ACCEPTED, REFUSED, World
from tests.unit.state_machine import FunctionError
from tests.unit.step_functions import answering

NOW = {"older_than_minutes": 0}
Prepare = Callable[[World], None]


@dataclass(frozen=True)
class Situation:
    """What was left undone, and what must become of it."""

    data: bytes
    prepare: Prepare
    check: Callable[[World], None]


def forgotten(_world: World) -> None:
    """No event about the upload has come."""


def vanished(world: World) -> None:
    """Step Functions no longer knows the execution that claimed the asset."""
    execution = world.machine.start(world.event())
    execution.step()
    del world.machine.executions[execution.name]


def interrupted(world: World) -> None:
    execution = world.machine.start(world.event())
    execution.step()
    execution.end("FAILED", "States.ServiceRestart")


def not_removed(world: World) -> None:
    """The execution has died after the copy was made and told, and before the upload was removed."""
    module = world.machine.functions["archive" if world.data == ACCEPTED else "quarantine"]
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(module.objects, "delete_version", None)
        world.machine.retries = False
        assert world.deliver().status == "FAILED"
        world.machine.retries = True


def unrecorded(world: World) -> None:
    """The execution has failed, and nobody was told."""
    execution = world.machine.start(world.event())
    execution.step()
    execution.end("FAILED", "X", "Y")


def failed_and_free(world: World) -> None:
    assert world.record["status"] == "failed"
    assert world.record["reason"] == {"code": "X", "message": "Y", "state": "Transform"}
    assert [attempt["outcome"] for attempt in world.record["attempts"]] == ["failed"]
    assert len({event["id"] for event in world.cloud.announced()}) == 1
    (execution,) = world.machine.executions.values()
    assert execution.redrive().status == "SUCCEEDED"
    world.check_succeeded()


SITUATIONS = pytest.mark.parametrize(
    "situation",
    [
        pytest.param(Situation(ACCEPTED, forgotten, World.check_succeeded), id="forgotten"),
        pytest.param(Situation(REFUSED, forgotten, World.check_rejected), id="forgotten, refused"),
        pytest.param(Situation(ACCEPTED, vanished, World.check_succeeded), id="vanished"),
        pytest.param(Situation(ACCEPTED, interrupted, World.check_succeeded), id="interrupted"),
        pytest.param(Situation(ACCEPTED, not_removed, World.check_succeeded), id="in two places"),
        pytest.param(Situation(REFUSED, not_removed, World.check_rejected), id="in two places, refused"),
        pytest.param(Situation(ACCEPTED, unrecorded, failed_and_free), id="unrecorded"),
    ],
)


@pytest.fixture
def left(world_of, monkeypatch) -> Callable[..., Iterator[World]]:
    """A world in which something was left undone; the wire breaks from then on."""

    @contextmanager
    def make(situation: Situation, fault=unbroken, breaks_at: int = -1) -> Iterator[World]:
        worlds: list[World] = []
        with answering(lambda: worlds[0].machine, monkeypatch), world_of(situation.data) as world:
            worlds.append(world)
            situation.prepare(world)
            world.wire.calls.clear()
            world.wire.fault, world.wire.breaks_at = fault, breaks_at
            yield world

    return make


def sweep(world: World) -> list[str]:
    """What a sweep did, asset by asset."""
    return [finding["did"] for finding in world.machine.invoke("sweep", NOW)["findings"]]


def sweep_that_finds_nothing(world: World) -> None:
    assert sweep(world) == []


def let_all_end(world: World) -> None:
    for execution in list(world.machine.executions.values()):
        execution.run()


def started(world: World) -> list[str]:
    return [name for name in world.machine.executions if name.startswith("sweep-")]


def is_read(call: str) -> bool:
    """A crash after it leaves what a crash before it leaves."""
    return call.partition(":")[2].startswith(("BatchGet", "Describe", "Get", "Head", "List", "Query"))


def calls_of(left: Callable[..., Iterator[World]], situation: Situation) -> list[str]:
    """The calls of a sweep in which nothing breaks."""
    with left(situation) as world:
        assert len(sweep(world)) == 1
        return list(world.wire.calls)


@SITUATIONS
def test_next_sweep_finishes_what_a_crash_of_the_last_one_left(left, subtests, situation):
    for number, call in enumerate(calls_of(left, situation)):
        if is_read(call):
            continue
        with subtests.test(call=call), left(situation, crash_after, number) as world:
            with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
                sweep(world)
            let_all_end(world)
            sweep(world)
            let_all_end(world)
            assert len(started(world)) <= 1
            situation.check(world)


@SITUATIONS
def test_two_sweeps_at_once_do_it_once(left, subtests, situation):
    for number, call in enumerate(calls_of(left, situation)):
        with subtests.test(call=call), left(situation) as world:
            world.wire.breaks_at, world.wire.fault = number, meanwhile(world, sweep)
            sweep(world)
            assert len(started(world)) <= 1
            let_all_end(world)
            situation.check(world)


@SITUATIONS
def test_execution_that_is_started_and_ends_during_the_sweep_counts(left, subtests, situation):
    def start_by_hand(world: World) -> None:
        world.machine.run(world.by_hand())

    for number, call in enumerate(calls_of(left, situation)):
        with subtests.test(call=call), left(situation) as world:
            world.wire.breaks_at, world.wire.fault = number, meanwhile(world, start_by_hand)
            sweep(world)
            let_all_end(world)
            if situation.check is not failed_and_free:
                situation.check(world)
            assert len(started(world)) <= 1
            assert sweep(world) == []


@pytest.mark.parametrize(
    ("data", "check"),
    [
        pytest.param(ACCEPTED, World.check_succeeded, id="succeeded"),
        pytest.param(REFUSED, World.check_rejected, id="rejected"),
    ],
)
def test_sweep_at_any_moment_of_a_live_execution_leaves_it_alone(left, subtests, data, check):
    situation = Situation(data, forgotten, check)
    with left(situation) as world:
        world.deliver()
        calls = list(world.wire.calls)
    for number, call in enumerate(calls):
        with subtests.test(call=call), left(situation) as world:
            world.wire.breaks_at, world.wire.fault = number, meanwhile(world, sweep_that_finds_nothing)
            world.deliver()
            check(world)


def meanwhile(world: World, happens: Callable[[World], object]) -> Callable[[str, Call], object]:
    """Right before a call takes effect, something else happens, over a wire that works."""

    def fault(_call: str, take_effect: Call) -> object:
        with world.wire.another():
            happens(world)
        return take_effect()

    return fault
