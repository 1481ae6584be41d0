"""Where a stage can be deployed: the code's table against CloudFormation's schemas of the regions, and endpoints."""

import json
import subprocess
import sys
from functools import cache
from importlib.resources import files

import botocore.session
import pytest

from infra.app import REGION
from infra.functions.sources import PROJECT_ROOT
from infra.release import toolchain
from infra.stages.regions import BUDGETS, MEDIA_CONVERT, REGIONS, lacking
from infra.stages.stages import CHOSEN
from tests.infra.conftest import Stage
from tests.infra.variants import STAGES, changed

EVERY = [region for regions in REGIONS.values() for region in regions]
BUDGET = "AWS::Budgets::Budget"
PARTITIONS = {"AWS": "aws", "GovCloud": "aws-us-gov", "China": "aws-cn"}


@cache
def offered(region: str) -> set[str]:
    """The types of resources whose schemas CloudFormation has there. (cfn-lint itself falls back to us-east-1.)"""
    found = files("cfnlint.data.schemas.providers") / f"{region}.json"
    return set(json.loads(found.read_text()))


@pytest.mark.parametrize("region", EVERY)
def test_every_type_of_every_stage_is_offered_in_every_region(stages: dict[str, Stage], region: str) -> None:
    templates = (template for stage in stages.values() for template in (stage.storage, stage.pipeline))
    asked = {resource["Type"] for template in templates for resource in template.body["Resources"].values()}
    assert BUDGET in asked
    assert asked - offered(region) == ({BUDGET} if region in BUDGETS.missing_in else set())


def test_budgets_and_mediaconvert_are_missing_where_their_sources_lack_them() -> None:
    assert {region for region in EVERY if BUDGET not in offered(region)} == BUDGETS.missing_in
    session = botocore.session.get_session()
    converting = {
        region
        for partition in PARTITIONS.values()
        for region in session.get_available_regions("mediaconvert", partition_name=partition)
    }
    assert set(EVERY) - converting == MEDIA_CONVERT.missing_in


def test_every_region_is_in_its_group() -> None:
    session = botocore.session.get_session()
    assert {
        group: {session.get_partition_for_region(region) for region in regions} for group, regions in REGIONS.items()
    } == {group: {partition} for group, partition in PARTITIONS.items()}


def test_what_a_region_lacks_is_told_with_the_setting_and_what_to_do() -> None:
    asking = changed(STAGES["dev"], observability={"monthly_budget_dollars": 50}, files={"long_videos": "mediaconvert"})
    budget, videos = lacking(asking, "us-gov-east-1")
    assert "dev.observability.monthly_budget_dollars" in budget
    assert "set it to 0" in budget
    assert "dev.files.long_videos" in videos
    assert '"parts"' in videos
    assert list(lacking(asking, "eu-central-1")) == []
    assert list(lacking(STAGES["prod"], "us-gov-east-1")) == []


def test_synthesis_refuses_what_the_region_lacks(tmp_path) -> None:
    file = tmp_path / "stages.toml"
    file.write_text("[dev]\nobservability.monthly_budget_dollars = 50\n")
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=PROJECT_ROOT,
        env=toolchain.environment(**{CHOSEN: str(file), REGION: "eu-north-1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Stage 'dev' cannot be deployed to eu-north-1. dev.observability.monthly_budget_doll")


@pytest.mark.parametrize("machine", ["Ingest", "Reprocess"])
def test_definitions_name_the_partition_that_they_are_deployed_to(stage: Stage, machine: str) -> None:
    found = stage.pipeline.only("StepFunctions::StateMachine", machine)
    assert found["DefinitionSubstitutions"]["partition"] == {"Ref": "AWS::Partition"}
    assert "arn:aws:" not in json.dumps(stage.pipeline.body)
    assert "arn:${partition}:states:::" in found["DefinitionString"]
