"""A stage that has functions stand ready at certain times."""

from dataclasses import replace

import pytest

from infra.stages.settings import STAGES, SettingsError, Warm
from tests.infra.conftest import Stage

DEV = STAGES["dev"]
MORNING, EVENING = "cron(0 8 ? * * *)", "cron(0 18 ? * * *)"


def test_the_versions_that_the_definition_names_are_warm_by_the_clock(otherwise: Stage) -> None:
    targets = otherwise.pipeline.of_type("ApplicationAutoScaling::ScalableTarget")
    named = otherwise.pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionSubstitutions"]
    assert len(targets) == 2
    for name, ready in (("validate", 5), ("transform_image", 10)):
        (target,) = (each["Properties"] for each in targets.values() if each["Properties"]["MaxCapacity"] == ready)
        function, version = (part for part in target["ResourceId"]["Fn::Join"][1] if isinstance(part, dict))
        assert version["Fn::GetAtt"] == [named[name]["Ref"], "Version"]
        assert named[name]["Ref"].startswith(function["Ref"].removesuffix("Function")[:8])
        capacities = [each["ScalableTargetAction"]["MinCapacity"] for each in target["ScheduledActions"]]
        assert (target["MinCapacity"], capacities) == (0, [ready, 0])


def test_other_stages_pay_for_none(stage: Stage) -> None:
    assert stage.pipeline.of_type("ApplicationAutoScaling::ScalableTarget") == {}


@pytest.mark.parametrize(
    ("warm", "problem"),
    [
        (Warm({"transfrom": 1}, MORNING, EVENING), "transfrom"),
        (Warm({"validate": 0}, MORNING, EVENING), "1 or more of validate"),
        (Warm({"notify": 6}, MORNING, EVENING), "no more than are reserved"),
        (Warm({"validate": 1}, "8:00", EVENING), "six fields"),
    ],
)
def test_what_aws_would_refuse_is_refused_first(warm: Warm, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        replace(DEV, warm=warm, concurrency={"notify": 5})
