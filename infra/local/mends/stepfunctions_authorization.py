"""Whoever may start a state machine may start its versions and aliases.

Defect: with AUTH=true a policy must name the version or alias. AWS looks at the state machine's own ARN, whatever
qualifies it: https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
"""

from typing import Any

from infra.local.stock import iam_actions

UNQUALIFIED_PARTS = 7

_stock_extract = iam_actions.extract_resource_arn


def install() -> None:
    iam_actions.extract_resource_arn = extract_resource_arn


def extract_resource_arn(service: str, *request: Any, **more: Any) -> str:
    arn: str = _stock_extract(service, *request, **more)
    return unqualified(arn) if service == "states" else arn


def unqualified(arn: str) -> str:
    """Of a state machine, without the version or alias; anything else as it is."""
    parts = arn.split(":")
    return ":".join(parts[:UNQUALIFIED_PARTS]) if parts[5:6] == ["stateMachine"] else arn
