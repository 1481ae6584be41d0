"""A stage that has functions stand ready at certain times."""

import pytest

from tests.infra.conftest import Stage
from tests.infra.variants import assert_refused

MORNING, EVENING = "cron(0 8 ? * * *)", "cron(0 18 ? * * *)"


def test_the_versions_that_the_definition_names_are_warm_by_the_clock(unusual: Stage) -> None:
    targets = unusual.pipeline.of_type("ApplicationAutoScaling::ScalableTarget")
    named = unusual.pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionSubstitutions"]
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
    ("functions", "morning", "problem"),
    [
        ({"transfrom": 1}, MORNING, "transfrom"),
        ({"validate": 0}, MORNING, "must be a whole number >= 1"),
        ({"notify": 6}, MORNING, "no more of notify than the 5 that are reserved"),
        ({"validate": 1}, "8:00", "six fields"),
    ],
)
def test_what_aws_would_refuse_is_refused_first(functions: dict[str, int], morning: str, problem: str) -> None:
    wanted = {"functions": functions, "from": morning, "to": EVENING}
    assert_refused(problem, functions={"provisioned_concurrency": wanted, "concurrency": {"notify": 5}})
