"""A result that is not proven: nothing of it is published, whoever made it, and health tells of it."""

from importlib import import_module
from types import ModuleType

import msgspec
import pytest

from tasks.shared.objects import Objects
from tasks.shared.outcomes import Outcome, Outcomes
from tests.unit.cloud import OUTPUT, Cloud
from tests.unit.images import sample
from tests.unit.state_machine import Machine
from workflow.errors import ResultNotProven
from workflow.operator.client import Sluice
from workflow.operator.operations import health

SAID = 'In "id", "1" became 2.'


@pytest.fixture
def unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    def prove(*_: object) -> None:
        raise ResultNotProven(SAID)

    monkeypatch.setattr("tasks.transform.image.prove", prove)


def check_of(sluice: Sluice) -> health.Check:
    return next(each for each in health.health(sluice) if each.check == "proofs")


@pytest.mark.wire
def test_it_fails_in_transform_with_nothing_published_and_health_counts_it(
    cloud: Cloud, machine: Machine, sluice: Sluice, unproven: None
) -> None:
    assert check_of(sluice).ok
    at = cloud.upload("cat.jpg", sample("JPEG"))
    execution = machine.run({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    machine.report_end(execution)
    assert (execution.status, execution.error, execution.path[-1]) == ("FAILED", "ResultNotProven", "Transform")
    assert cloud.keys(OUTPUT) == []
    found = check_of(sluice)
    assert found.ok is False
    assert "1 assets were not published" in found.found
    assert "cat.jpg" in found.found


@pytest.fixture
def container(functions: dict[str, ModuleType]) -> ModuleType:
    return import_module("tasks.big_file.__main__")


def test_container_hands_it_on_by_its_name(
    cloud: Cloud, container: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def transformed(_asset: object) -> None:
        raise ResultNotProven(SAID)

    monkeypatch.setattr(container, "transformed", transformed)
    outcome = container.outcome_of(None)
    outcomes = Outcomes(OUTPUT, Objects(cloud.s3))
    outcomes.write("asset", "execution", outcome)
    with pytest.raises(ResultNotProven, match="became 2"):
        outcomes.read("asset", "execution")


@pytest.mark.parametrize("code", ["", "KeyError", "TransientError", "SluiceError"])
def test_outcome_with_no_name_that_a_container_may_hand_on_is_none(code: str) -> None:
    told = msgspec.json.encode({"code": code, "message": SAID})
    with pytest.raises(ValueError, match="neither a result nor an error's name"):
        msgspec.json.decode(told, type=Outcome).result()
