"""Each function has the credentials of a session of its role.

Defect: the emulator gives functions the account's own keys, and with AUTH=true keys that anybody can work out from the
function's name. AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

import hmac
import os
from typing import Any

from infra.local.ministack import lambda_runtime, lambda_svc, sts

SESSION_NAME_MAX = 64


def install() -> None:
    lambda_runtime.execution_credentials = execution_credentials
    lambda_svc.execution_credentials = execution_credentials


def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
    """The same for all environments of a function while it has this role, so that sessions do not pile up."""
    account, _region = lambda_runtime._account_region_from_function_config(config)
    function, role = config["FunctionName"], config["Role"].rpartition("/")[2]
    key, secret, token = (derived(name, config["FunctionArn"], config["Role"]) for name in ("key", "secret", "token"))
    key = f"ASIA{key[:16].upper()}"
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{function[:SESSION_NAME_MAX]}",
        "UserId": f"{role}:{function}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    sts.register_session(key, session)
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def derived(*of: str) -> str:
    """Nobody can work it out who has not the account's secret."""
    return hmac.digest(os.environ["AWS_SECRET_ACCESS_KEY"].encode(), "\n".join(of).encode(), "sha256").hex()
