"""The templates as a whole: linted, checked against security rules, and the same for every stage."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.release import toolchain
from tasks.shared.indexes import INDEXES, OLD_INDEXES
from tests.infra.conftest import Stage
from tests.infra.linting import lint
from tests.infra.variants import STAGES, UNUSUAL
from workflow.limits import FUNCTIONS

OF_OLD_INDEXES = {"OldIndexes", "OLD_INDEXES"}
OLD_NAMES = {index.name for index in OLD_INDEXES.values()}
OLD_ATTRIBUTES = {index.partition for index in OLD_INDEXES.values()} - {index.partition for index in INDEXES.values()}
MOST_REASONS = 6
"""To keep a finding of any pack: with more of them, people stop reading them."""


def acknowledged(stage: Stage) -> set[tuple[str, str, str]]:
    """A construct's path, the finding that is acknowledged there, and the reason."""
    return {
        (path, finding.removeprefix("Annotation::"), reason)
        for file in stage.folder.glob("*.metadata.json")
        for path, entries in json.loads(file.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for finding, reason in entry["data"].items()
    }


def without_names(template: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """The template with the stage's name, the hashes of names that contain it, and those of code, taken out."""
    text = re.sub(rf"([Ss]luice[-/]?){stage.name}", r"\1STAGE", json.dumps(template))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1", text)
    return json.loads(re.sub(r"(\w*sluiceSTAGE\w*?)(?:[0-9A-F]{8})+\b", r"\1", text))


def take_out_code(template: dict[str, Any]) -> list[Any]:
    """Where the functions' code comes from; the template is left without it."""
    functions = [r for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    for parameter in ("CodeBucket", "CodeKey"):
        template["Parameters"].pop(parameter, None)
    return [function["Properties"].pop("Code") for function in functions]


def without_old_indexes(template: Any) -> Any:
    """A table that is on its way from its first layout has them; whoever may read an index then may read two."""
    match template:
        case dict():
            kept = {key: without_old_indexes(value) for key, value in template.items() if key not in OF_OLD_INDEXES}
            resource = kept.get("Resource")
            return kept | ({"Resource": resource[0]} if isinstance(resource, list) and len(resource) == 1 else {})
        case list():
            return [without_old_indexes(value) for value in template if not is_of_old_indexes(value)]
    return template


def is_of_old_indexes(value: Any) -> bool:
    match value:
        case {"IndexName": name}:
            return name in OLD_NAMES
        case {"AttributeName": name, "AttributeType": _}:
            return name in OLD_ATTRIBUTES
        case {"Fn::Join": ["", [*_, str(end)]]}:
            return end.startswith("/index/") and end.removeprefix("/index/") in OLD_NAMES
    return False


def differences(one: Any, other: Any, name: str = "") -> set[str]:
    """The keys under which two JSON values differ."""
    match one, other:
        case dict(), dict():
            return {d for key in one | other for d in differences(one.get(key), other.get(key), key)}
        case list(), list() if len(one) == len(other):
            return {d for pair in zip(one, other, strict=True) for d in differences(*pair, name)}
    return set() if one == other else {name}


@pytest.mark.parametrize("name", [*STAGES, UNUSUAL.stage])
def test_cfn_lint_finds_nothing(stages: dict[str, Stage], name: str) -> None:
    templates = sorted(stages[name].folder.glob("*.template.json"))
    assert len(templates) == 2
    assert lint(templates) == ""


def test_security_rules_find_nothing_that_is_not_acknowledged(stage: Stage) -> None:
    assert json.loads((stage.folder / "validation-report.json").read_text())["pluginReports"] == []


def test_findings_are_acknowledged_on_the_resource_itself_and_for_few_reasons(stage: Stage) -> None:
    found = acknowledged(stage)
    stacks = {f"/sluice-{stage.name}-storage", f"/sluice-{stage.name}-pipeline"}
    assert not [path for path, _, _ in found if path in stacks]
    assert 0 < len({reason for _, _, reason in found}) <= MOST_REASONS + bool(stage.settings.ways_out.webhook_url)


def test_what_is_acknowledged_are_names_that_come_later_and_ways_of_failing(stage: Stage) -> None:
    kinds = {
        re.sub(r"Resource::.+/\*|Resource::.+:\*", "Resource::OPEN END", kind) for _, kind, _ in acknowledged(stage)
    }
    assert kinds == {
        "AwsSolutions-L1",
        "AwsSolutions-SF1",
        "AwsSolutions-SQS3",
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-IAM5[Resource::OPEN END]",
        "Serverless-LambdaAsyncFailureDestination",
        "Serverless-LambdaDLQ",
        "Serverless-LambdaEventSourceMappingDestination",
        "Serverless-LambdaLatestVersion",
        "Serverless-SQSRedrivePolicy",
        *({"AwsSolutions-SMG4"} if stage.settings.ways_out.webhook_url else ()),
    }


def test_nothing_is_acknowledged_that_no_rule_finds(stage: Stage) -> None:
    """A dead-letter queue is acknowledged as such; one that could be anything else is none."""
    queues = stage.pipeline.of_type("SQS::Queue")
    with_dead_letters = [name for name, queue in queues.items() if "RedrivePolicy" in queue["Properties"]]
    paths = {path for path, finding, _ in acknowledged(stage) if finding == "Serverless-SQSRedrivePolicy"}
    assert len(paths) == len(queues) - len(with_dead_letters)


def test_synthesis_fails_on_a_finding(tmp_path: Path) -> None:
    program = (
        "from aws_cdk import Stack, aws_s3; from infra.app import make_app; "
        f"app = make_app({str(tmp_path)!r}); aws_s3.Bucket(Stack(app, 'Stack'), 'Unprotected'); app.synth()"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=toolchain.environment(), capture_output=True, check=False)
    assert done.returncode != 0
    assert "AwsSolutions-S10" in (tmp_path / "validation-report.json").read_text()


@pytest.mark.parametrize("part", ["storage", "pipeline"])
def test_local_and_dev_differ_only_in_where_the_code_is_and_in_settings(stages: dict[str, Stage], part: str) -> None:
    local, dev = (without_names(getattr(stages[name], part).body, stages[name]) for name in ("local", "dev"))
    local, dev = without_old_indexes(local), without_old_indexes(dev)
    take_out_code(local)
    take_out_code(dev)
    tag, tag_of_an_api, version = "Value", "stage", "Description"
    assert differences(local, dev) <= {
        tag,
        tag_of_an_api,
        version,
        "DisplayName",
        "POWERTOOLS_LOG_LEVEL",
        "ARCHIVE_STORAGE_CLASS",
        "EXPAND_ARCHIVES",
        "WEBHOOK_URL",
        "POWERTOOLS_PARAMETERS_MAX_AGE",
    }


def test_local_functions_share_one_code_parameter_so_that_a_change_of_code_needs_no_synthesis(
    stages: dict[str, Stage],
) -> None:
    local = without_names(stages["local"].pipeline.body, stages["local"])
    assert take_out_code(local) == [{"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}] * len(FUNCTIONS)


@pytest.mark.parametrize("stage_name", ["dev", "prod"])
def test_each_function_on_aws_has_a_package_of_its_own(stages: dict[str, Stage], stage_name: str) -> None:
    template = without_names(stages[stage_name].pipeline.body, stages[stage_name])
    codes = take_out_code(template)
    assert len({code["S3Key"] for code in codes}) == len(codes)
