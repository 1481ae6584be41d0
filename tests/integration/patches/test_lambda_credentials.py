"""A function calls AWS as its role, with keys that nobody else can know."""

from typing import Any

from tests.integration.patches.conftest import Cloud
from tests.integration.patches.test_lambda_python import deploy

TELLS = """
    import os
    import boto3

    def who(event, context):
        keys = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and "KEY" in name}
        return {"arn": boto3.client("sts").get_caller_identity()["Arn"], **keys}
"""


def told(cloud: Cloud) -> dict[str, Any]:
    function = deploy(cloud, "app.who", TELLS, Timeout=60)
    return function.invoke().payload | {"name": function.name}


def test_the_stock_emulator_gives_functions_the_accounts_own_keys(stock: Cloud) -> None:
    seen = told(stock)
    assert seen["arn"].endswith(":root")
    assert seen["AWS_SECRET_ACCESS_KEY"] == stock.emulator.access.secret_access_key


def test_a_function_is_its_role(patched: Cloud) -> None:
    seen = told(patched)
    assert seen["arn"] == f"arn:aws:sts::000000000000:assumed-role/function/{seen['name']}"
    assert seen["AWS_SECRET_ACCESS_KEY"] != patched.emulator.access.secret_access_key


def test_no_two_functions_have_the_same_keys(patched: Cloud) -> None:
    first, second = told(patched), told(patched)
    assert first["AWS_ACCESS_KEY_ID"] != second["AWS_ACCESS_KEY_ID"]
    assert first["AWS_SECRET_ACCESS_KEY"] != second["AWS_SECRET_ACCESS_KEY"]
