"""The Glue database and who may write tables to it, in a stage that has the setting and in those that do not."""

from typing import Any

import pytest

from tests.infra.conftest import Stage, Template, statements
from tests.infra.variants import STAGES, UNUSUAL, assert_refused, changed

DATABASE = UNUSUAL.storage.glue_database


def told(pipeline: Template) -> dict[str, str]:
    """The database that each function is told of."""
    functions = (function["Properties"] for function in pipeline.of_type("Lambda::Function").values())
    variables = {function["FunctionName"]: function["Environment"]["Variables"] for function in functions}
    return {name: each["GLUE_DATABASE"] for name, each in variables.items() if "GLUE_DATABASE" in each}


def catalog_statements(pipeline: Template) -> dict[str, list[dict[str, Any]]]:
    """What each role may do in Glue."""
    policies = {
        name: policy["Properties"]["PolicyDocument"] for name, policy in pipeline.of_type("IAM::Policy").items()
    }
    found = {
        name: [
            statement for statement in statements(policy) if any("glue:" in action for action in statement["Action"])
        ]
        for name, policy in policies.items()
    }
    return {name: each for name, each in found.items() if each}


def written_out(resource: Any) -> str:
    """Without partition, region and account."""
    (parts,) = (parts for _, parts in [resource["Fn::Join"]])
    return parts[-1].removeprefix(":")


def test_database_is_made_under_the_setting_s_name(unusual: Stage) -> None:
    database = unusual.storage.only("Glue::Database")
    assert database["DatabaseInput"]["Name"] == DATABASE
    assert database["CatalogId"] == {"Ref": "AWS::AccountId"}


def test_database_goes_with_the_stack_so_that_its_name_does_not_block_the_next(unusual: Stage) -> None:
    (database,) = unusual.storage.of_type("Glue::Database").values()
    assert database.get("DeletionPolicy", "Delete") == "Delete"


def test_only_what_stores_metadata_is_told_of_the_database(unusual: Stage) -> None:
    assert told(unusual.pipeline) == {"sluice-unusual-store-metadata": DATABASE}


def test_only_what_stores_metadata_may_write_tables_and_only_to_that_database(unusual: Stage) -> None:
    ((role, (statement,)),) = catalog_statements(unusual.pipeline).items()
    assert role.startswith("StoreMetadataRole")
    assert set(statement["Action"]) == {"glue:CreateTable", "glue:GetTable", "glue:UpdateTable"}
    assert {written_out(resource) for resource in statement["Resource"]} == {
        "catalog",
        f"database/{DATABASE}",
        f"table/{DATABASE}/*",
    }


def test_other_stages_have_nothing_of_it(stage: Stage) -> None:
    assert not stage.settings.storage.glue_database
    assert stage.storage.of_type("Glue::Database") == {}
    assert (told(stage.pipeline), catalog_statements(stage.pipeline)) == ({}, {})


@pytest.mark.parametrize("name", ["Lake", "data-lake", "a.b", "é", "a" * 256, "lake\n"])
def test_name_that_athena_does_not_take_is_refused(name: str) -> None:
    assert_refused("glue_database", storage={"glue_database": name})


def test_name_may_have_letters_digits_and_underscores() -> None:
    assert changed(STAGES["dev"], storage={"glue_database": "sluice_dev_2"})
