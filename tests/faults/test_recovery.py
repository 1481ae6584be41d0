"""What mends a failure may die at any of its calls to AWS: doing it again finishes it, and it is done once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tasks.shared.records.model import Restore
from tests.faults.wire import Wire, crash_after, crash_before
from tests.faults.world import ACCEPTED, REFUSED, World
from tests.unit.cloud import ARCHIVE, OPERATIONS, QUARANTINE
from tests.unit.operating import operated
from tests.unit.state_machine import Crash, Execution, FunctionError
from tests.unit.step_functions import answering
from workflow.operator.client import Sluice
from workflow.operator.operations.dead_letters import discard_dead_letters, redrive_dead_letters
from workflow.operator.operations.quarantine import discard
from workflow.operator.operations.redrive import redrive
from workflow.operator.operations.restore import restore
from workflow.operator.operations.stop import stop

FAULTS = (crash_before, crash_after)
Mend = Callable[[World, Sluice], Any]


@pytest.fixture
def mending(world_of, monkeypatch) -> Callable[..., Any]:
    """A world in which `prepare` has happened, and the operator's client; the wire breaks from then on."""

    @contextmanager
    def make(data: bytes, prepare: Callable[[World, Sluice], Any], wire: Wire | None = None) -> Iterator[Any]:
        worlds: list[World] = []
        with answering(lambda: worlds[0].machine, monkeypatch), world_of(data) as world:
            worlds.append(world)
            sluice = operated(world.cloud)
            prepare(world, sluice)
            world.wire.calls.clear()
            world.wire.breaks_at, world.wire.fault = (wire.breaks_at, wire.fault) if wire else (-1, world.wire.fault)
            yield world, sluice

    return make


def faults_of(mending, data: bytes, prepare: Mend, mend: Mend) -> list[tuple[str, Wire]]:
    """A crash before and after each call of a mend in which nothing breaks."""
    with mending(data, prepare) as (world, sluice):
        with world.wire.invocation("operator"):
            mend(world, sluice)
        calls = [call for call in world.wire.calls if call.startswith("operator ")]
    assert calls
    return [(call, Wire(number, fault)) for number, call in enumerate(calls) for fault in FAULTS]


def until_it_is_done(world: World, sluice: Sluice, mend: Mend) -> None:
    """An operator whose machine died does it again."""
    with pytest.raises(Crash), world.wire.invocation("operator"):
        mend(world, sluice)
    with world.wire.invocation("operator"):
        mend(world, sluice)


def fail_in_transform(world: World, _sluice: Sluice | None = None) -> Execution:
    execution = world.machine.start(world.event())
    execution.step()
    world.machine.report_end(execution.end("FAILED", "TransientError", "It was slow."))
    return execution


def only(world: World) -> Execution:
    (execution,) = world.machine.executions.values()
    return execution


def redrive_it(world: World, sluice: Sluice) -> None:
    redrive(sluice, only(world).name, by="ada")


def test_redrive_after_a_crash_anywhere_happens_once_and_the_attempts_are_true(mending, subtests):
    for call, wire in faults_of(mending, ACCEPTED, fail_in_transform, redrive_it):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, fail_in_transform, wire) as (world, sluice),
        ):
            until_it_is_done(world, sluice, redrive_it)
            execution = only(world)
            assert (execution.status, execution.redrives) == ("RUNNING", 1)
            world.machine.report_end(execution)  # the event about the failure may come late
            assert execution.run().status == "SUCCEEDED"
            assert [(each["trigger"], each.get("by"), each["outcome"]) for each in world.record["attempts"]] == [
                ("upload", None, "failed"),
                ("redrive", "ada", "succeeded"),
            ]
            world.check_succeeded()


def test_redrive_that_nobody_came_to_make_is_settled_by_the_failure_s_event(mending, subtests):
    for call, wire in faults_of(mending, ACCEPTED, fail_in_transform, redrive_it):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, fail_in_transform, wire) as (world, sluice),
        ):
            with pytest.raises(Crash), world.wire.invocation("operator"):
                redrive_it(world, sluice)
            execution = only(world)
            world.machine.report_end(execution)
            if execution.status == "RUNNING":
                execution.run()
                world.check_succeeded()
            else:
                assert world.record["status"] == "failed"
                assert [each["outcome"] for each in world.record["attempts"]] == ["failed"]


def freeze(world: World, sluice: Sluice) -> None:
    """The original is in Deep Archive, and was restored as somebody asked for."""
    world.deliver()
    key = world.record["original"]["key"]
    world.cloud.s3.copy_object(
        Bucket=ARCHIVE, Key=key, CopySource={"Bucket": ARCHIVE, "Key": key}, StorageClass="DEEP_ARCHIVE"
    )
    asked = Restore(tier="Bulk", days=7, asked_at="2026-11-23T10:00:00+00:00", by="ada", then_reprocess=True)
    sluice.records.assets.expect_restore(world.asset, asked)
    world.cloud.s3.restore_object(Bucket=ARCHIVE, Key=key, RestoreRequest={"Days": 7})


def completed(world: World) -> dict[str, Any]:
    found = {"key": world.record["original"]["key"]}
    return {"detail": {"object": found, "restore-expiry-time": "2026-11-30T00:00:00Z"}}


def restored(world: World) -> list[Execution]:
    return [each for each in world.machine.executions.values() if each.name.startswith("restore-")]


def test_restored_original_is_processed_once_wherever_the_function_dies(mending, subtests):
    with mending(ACCEPTED, freeze) as (world, _):
        world.machine.invoke("continue_restored", completed(world))
        calls = list(world.wire.calls)
    for number, call in enumerate(calls):
        for fault in FAULTS:
            with (
                subtests.test(call=call, fault=fault.__name__),
                mending(ACCEPTED, freeze, Wire(number, fault)) as (world, _),
            ):
                event = completed(world)
                with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
                    world.machine.invoke("continue_restored", event)
                for execution in restored(world):
                    execution.run()  # it may have ended before Lambda tries again
                world.machine.invoke("continue_restored", event)
                (execution,) = restored(world)
                assert execution.run().status == "SUCCEEDED"
                assert world.record["restored_until"] == "2026-11-30T00:00:00Z"
                assert "restore" not in world.record
                world.check_succeeded()


def archive(world: World, _sluice: Sluice) -> None:
    world.deliver()
    key = world.record["original"]["key"]
    source = {"Bucket": ARCHIVE, "Key": key}
    world.cloud.s3.copy_object(Bucket=ARCHIVE, Key=key, CopySource=source, StorageClass="GLACIER")


def restore_it(world: World, sluice: Sluice) -> None:
    restore(sluice, world.records.assets.get(world.asset), by="ada")


def test_restore_after_a_crash_anywhere_ends_in_one_reprocess(mending, subtests):
    for call, wire in faults_of(mending, ACCEPTED, archive, restore_it):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, archive, wire) as (world, sluice),
        ):
            until_it_is_done(world, sluice, restore_it)
            world.machine.invoke("continue_restored", completed(world))
            for execution in restored(world):
                execution.run()
            assert "SUCCEEDED" in {execution.status for execution in restored(world)}
            assert len(restored(world)) <= 2  # a second wish, after a crash that came after the first was granted
            world.check_succeeded()


def reject(world: World, _sluice: Sluice) -> None:
    world.deliver()
    world.wire.after_write = lambda: None  # the original is meant to go


def discard_it(world: World, sluice: Sluice) -> None:
    discard(sluice, world.records.assets.get(world.asset), by="ada", why="spam")


def test_discard_after_a_crash_anywhere_is_finished(mending, subtests):
    for call, wire in faults_of(mending, REFUSED, reject, discard_it):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(REFUSED, reject, wire) as (world, sluice),
        ):
            original = world.record["original"]
            until_it_is_done(world, sluice, discard_it)
            assert world.record["status"] == "discarded"
            assert not world.cloud.exists(QUARANTINE, original["key"])
            assert world.cloud.exists(QUARANTINE, original["key"], original["version_id"])
            assert len(world.cloud.s3.list_object_versions(Bucket=QUARANTINE)["DeleteMarkers"]) == 1


def work_on_it(world: World, _sluice: Sluice) -> None:
    world.machine.start(world.event()).step()


def stop_it(world: World, sluice: Sluice) -> None:
    stop(sluice, only(world).name, by="ada", why="a wrong recipe")


def test_stop_after_a_crash_anywhere_stops_once_and_the_record_says_who(mending, subtests):
    for call, wire in faults_of(mending, ACCEPTED, work_on_it, stop_it):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, work_on_it, wire) as (world, sluice),
        ):
            until_it_is_done(world, sluice, stop_it)
            execution = only(world)
            assert execution.status == "ABORTED"
            world.machine.report_end(execution)
            assert world.record["reason"]["message"] == "By ada: a wrong recipe"
            world.check_not_lost()
            redrive_it(world, sluice)
            assert execution.run().status == "SUCCEEDED"
            world.check_succeeded()


def give_up(queue: str) -> Mend:
    """A message that asks for something is among the dead letters of a queue."""

    def prepare(world: World, sluice: Sluice) -> None:
        found = {"key": world.upload.key, "size": len(world.data), "etag": "e", "sequencer": "0055AED6DCD90281E5"}
        detail = {"bucket": {"name": world.upload.bucket}, "object": {**found, "version-id": world.upload.version_id}}
        event = {"id": "17793124", "detail-type": "Object Created", "detail": detail}
        sluice.aws.sqs.send_message(QueueUrl=sluice.stack.dead_letters[queue], MessageBody=json.dumps(event))

    return prepare


def come_back(world: World, sluice: Sluice, queue: str) -> None:
    """Time passes, until what a dead operator had received is seen again."""
    for message in world.account.queues.messages[sluice.stack.dead_letters[queue]]:
        message.hidden_until = 0


@pytest.mark.parametrize("queue", ["events", "requests"])
def test_dead_letter_that_is_sent_again_is_lost_nowhere_and_does_no_harm_twice(mending, subtests, queue):
    def send(world: World, sluice: Sluice) -> None:
        come_back(world, sluice, queue)
        redrive_dead_letters(sluice, queue, by="ada")

    for call, wire in faults_of(mending, ACCEPTED, give_up(queue), send):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, give_up(queue), wire) as (world, sluice),
        ):
            until_it_is_done(world, sluice, send)
            assert waiting(sluice, sluice.stack.dead_letters[queue]) == 0
            if queue == "events":
                assert "SUCCEEDED" in {each.run().status for each in world.machine.executions.values()}
                world.check_succeeded()
            else:
                assert waiting(sluice, sluice.stack.sources[queue]) >= 1


def waiting(sluice: Sluice, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sluice.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_discarded_dead_letter_has_a_copy_wherever_the_operator_dies(mending, subtests):
    def discard_letters(world: World, sluice: Sluice) -> None:
        come_back(world, sluice, "webhook")
        discard_dead_letters(sluice, "webhook", by="ada", why="no receiver")

    for call, wire in faults_of(mending, ACCEPTED, give_up("webhook"), discard_letters):
        with (
            subtests.test(call=call, fault=wire.fault.__name__),
            mending(ACCEPTED, give_up("webhook"), wire) as (world, sluice),
        ):
            with pytest.raises(Crash), world.wire.invocation("operator"):
                discard_letters(world, sluice)
            come_back(world, sluice, "webhook")
            gone = waiting(sluice, sluice.stack.dead_letters["webhook"]) == 0
            assert len(world.cloud.keys(OPERATIONS)) == 1 or not gone
            discard_letters(world, sluice)
            assert waiting(sluice, sluice.stack.dead_letters["webhook"]) == 0
            assert len(world.cloud.keys(OPERATIONS)) == 1
