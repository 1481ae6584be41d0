"""What an account would refuse and can be known without one, of our stages and of every pair of settings."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stages.read import TOPICS
from tests.assemblies import combined_stages
from tests.infra import event_shapes, keys, quotas, service_reference
from tests.infra.combinations import FACTORS, combinations, covering, merged, pairs
from tests.infra.conftest import Stage, Template, as_list
from tests.infra.deployed import Deployed, stacks
from tests.infra.linting import lint
from workflow.operator.cli.account import BUCKETS, LEAST_BOOTSTRAP, ROLES

LINTED_IN = 6
PATIENT = pytest.mark.timeout(1800)
"""Whoever comes first synthesizes all combinations, and the others wait for it."""
COMBINED = pytest.param("combined", marks=[pytest.mark.deploys, PATIENT])
DOCUMENTED = {
    # …/amazondynamodb/latest/developerguide/Streams.Lambda.Tutorial.html names the streams of one table
    ("dynamodb:ListStreams", "/stream/*"),
    # …/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html has it among those that have the condition
    ("kms:Describe*", "kms:EncryptionContext:aws:logs:arn"),
}
"""What AWS's own guides say otherwise than its reference: an action, and its resource or condition."""


@pytest.fixture(scope="session")
def combined() -> list[Stage]:
    folder = combined_stages()
    return [Stage(settings, folder / settings.stage) for settings in combinations()]


@pytest.fixture(params=["ours", COMBINED])
def family(request: pytest.FixtureRequest) -> list[Stage]:
    """Ours and the one that is otherwise; on demand, those of which every two choices meet in one."""
    if request.param == "ours":
        return list(request.getfixturevalue("stages").values())
    return request.getfixturevalue("combined")


def found(family: Iterable[Stage], look: Callable[[Stage], Iterable[str]]) -> dict[str, list[str]]:
    return {stage.name: problems for stage in family if (problems := list(look(stage)))}


def test_everything_that_is_encrypted_is_covered_by_the_key_s_policy(family: list[Stage]) -> None:
    assert any(stage.settings.security.customer_key for stage in family)
    assert found(family, keys.uncovered) == {}


def test_every_policy_names_actions_resources_and_conditions_that_there_are(family: list[Stage]) -> None:
    assert found(family, _policy_problems) == {}


def _policy_problems(stage: Stage) -> Iterator[str]:
    for stack in stacks(stage):
        for _, name, properties in stack.resources:
            for document in service_reference.documents(properties):
                for problem in service_reference.problems(document):
                    if not any(action in problem and of in problem for action, of in DOCUMENTED):
                        yield f"{name}: {problem}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Action": "s3:GetObjects"}, "s3:GetObjects is no action"),
        (
            {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"},
            "s3:GetObject is for none of arn:aws:s3:::bucket",
        ),
        ({"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::b/*"}, "s3:ListBucket is for none of"),
        (
            {"Action": "sqs:SendMessage", "Resource": ["arn:aws:sqs:r:1:q", "arn:aws:sns:r:1:t"]},
            "arn:aws:sns:r:1:t is no resource of sqs:SendMessage",
        ),
        (
            {"Action": "s3:PutObject", "Condition": {"StringEquals": {"kms:ViaService": "s3"}}},
            "kms:ViaService is no condition of s3:PutObject",
        ),
    ],
)
def test_a_statement_that_does_nothing_is_found(wrong: dict[str, Any], said: str) -> None:
    told = list(service_reference.problems({"Statement": [{"Effect": "Allow", **wrong}]}))
    assert any(each.startswith(said) for each in told), told


def test_no_quota_of_a_stack_or_a_resource_is_exceeded(family: list[Stage]) -> None:
    assert found(family, lambda stage: (each for stack in stacks(stage) for each in quotas.exceeded(stack))) == {}


def test_everything_that_is_referred_to_is_there(family: list[Stage]) -> None:
    assert found(family, lambda stage: (each for stack in stacks(stage) for each in _dangling(stack))) == {}


def _dangling(stack: Deployed) -> Iterator[str]:
    """What `written` finds no value for is a KeyError."""
    body = stack.template.body
    stack.written([resource.get("Properties", {}) for resource in body["Resources"].values()])
    stack.written([output["Value"] for output in body["Outputs"].values()])
    for name, resource in body["Resources"].items():
        after = as_list(resource.get("DependsOn", []))
        yield from (f"{name} depends on {each}" for each in after if each not in body["Resources"])


def test_rules_ask_for_what_aws_s_events_have(family: list[Stage]) -> None:
    assert found(family, lambda stage: event_shapes.unheard_of(stacks(stage)[1])) == {}


def test_a_rule_that_no_event_matches_is_found(stages: dict[str, Stage], tmp_path: Path) -> None:
    right, (storage, _) = stages["dev"].pipeline, stacks(stages["dev"])
    for word, wrong, said in (
        ("detail.object.size", "detail.object.bytes", "Object Created has no detail.object.bytes"),
        ("Object Created", "ObjectCreated", "aws.s3 sends no ObjectCreated"),
        ("TIMED_OUT", "TIMEOUT", "no execution is TIMEOUT"),
    ):
        template = tmp_path / right.path.name
        template.write_text(json.dumps(right.body).replace(word, wrong))
        (problem,) = event_shapes.unheard_of(Deployed(Template(template), storage.exports))
        assert problem.endswith(said)


def test_doctor_counts_with_as_many_buckets_and_roles_as_a_stage_makes(family: list[Stage]) -> None:
    for kind, most in {"S3::Bucket": BUCKETS, "IAM::Role": ROLES}.items():
        made = [len(stage.storage.of_type(kind)) + len(stage.pipeline.of_type(kind)) for stage in family]
        assert most * 3 / 4 < max(made) <= most


def test_doctor_asks_for_the_bootstrap_that_the_templates_ask_for(stages: dict[str, Stage]) -> None:
    (assertion,) = stages["prod"].pipeline.body["Rules"]["CheckBootstrapVersion"]["Assertions"]
    (refused, _version) = assertion["Assert"]["Fn::Not"][0]["Fn::Contains"]
    assert max(map(int, refused)) + 1 == LEAST_BOOTSTRAP


@pytest.mark.deploys
@PATIENT
@pytest.mark.parametrize("turn", range(LINTED_IN))
def test_cfn_lint_finds_nothing_in_any_combination(combined: list[Stage], turn: int) -> None:
    """In turns, as it takes seconds for each template."""
    templates = [template.path for stage in combined[turn::LINTED_IN] for template in (stage.storage, stage.pipeline)]
    assert lint(templates) == ""


def test_every_setting_is_chosen_otherwise_than_by_default_in_some_combination() -> None:
    chosen = {
        (topic, field) for choices in FACTORS.values() for topic, fields in merged(*choices).items() for field in fields
    }
    assert {(topic, field) for topic, kind in TOPICS.items() for field in kind.__struct_encode_fields__} == chosen


def test_every_two_choices_meet_in_one_combination() -> None:
    levels = [len(choices) for choices in FACTORS.values()]
    rows = list(covering(levels))
    assert {pair for row in rows for pair in itertools.combinations(enumerate(row), 2)} == set(pairs(levels))
    assert len(rows) < 40
