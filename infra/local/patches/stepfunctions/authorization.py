"""Whoever may start or change a state machine may do so with its versions and aliases.

Defect: with AUTH=true a policy must name the version or alias that is started, and all resources to look at an alias
or move it. AWS looks at the state machine's own ARN, whatever qualifies it: https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
"""

from typing import Any

from infra.local.ministack import iam_actions

UNQUALIFIED_PARTS = 7
QUALIFIED = ("stateMachineAliasArn", "stateMachineVersionArn")
"""Where requests name what stock does not look for."""

_stock_extract = iam_actions.extract_resource_arn


def install() -> None:
    iam_actions.extract_resource_arn = extract_resource_arn


def extract_resource_arn(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, *more: Any, **named: Any
) -> str:
    arn: str = _stock_extract(service, method, path, headers, body, *more, **named)
    if service != "states":
        return arn
    named_otherwise: list[str] = [iam_actions._safe_json_field(body, field) for field in QUALIFIED]
    return unqualified(next(filter(None, named_otherwise), arn))


def unqualified(arn: str) -> str:
    """Of a state machine, without the version or alias; anything else as it is."""
    parts = arn.split(":")
    return ":".join(parts[:UNQUALIFIED_PARTS]) if parts[5:6] == ["stateMachine"] else arn
