"""Whether all that a stage encrypts under its own key is covered by that key's policy, and by its roles' policies."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from infra.security.encryption import ASKED_FOR
from tests.infra.conftest import Stage, as_list
from tests.infra.deployed import ACCOUNT, REGION, Deployed, stacks

ENCRYPTED = ("S3::Bucket", "DynamoDB::Table", "SQS::Queue", "Logs::LogGroup")
LOGS = f"logs.{REGION}.amazonaws.com"


def uncovered(stage: Stage) -> Iterator[str]:
    """What could not be created, written or read because of the key; nothing in a stage without one."""
    storage, pipeline = stacks(stage)
    keys = [properties for kind, name, properties in storage.resources if kind == "KMS::Key" and name.startswith("Key")]
    if not keys:
        return
    (arn,) = (storage.written({"Fn::GetAtt": [name, "Arn"]}) for name in storage.template.of_type("KMS::Key"))
    policy = keys[0]["KeyPolicy"]
    yield from _not_encrypted(storage, pipeline, arn)
    yield from _log_groups(pipeline, policy)
    yield from _delivering_services(pipeline, policy)
    for stack in (storage, pipeline):
        yield from _roles(stack, arn)


def _not_encrypted(storage: Deployed, pipeline: Deployed, key: str) -> Iterator[str]:
    for stack in (storage, pipeline):
        for kind, name, properties in stack.resources:
            if kind in ENCRYPTED and not name.startswith("AccessLogs") and key not in str(properties):
                yield f"{kind} {name} is not under the key"


def _log_groups(stack: Deployed, policy: dict[str, Any]) -> Iterator[str]:
    """CloudWatch asks for the key with the group's ARN as its context, and refuses to create it otherwise."""
    (statement,) = (each for each in policy["Statement"] if LOGS in as_list(each["Principal"].get("Service", [])))
    (pattern,) = (condition["kms:EncryptionContext:aws:logs:arn"] for condition in statement["Condition"].values())
    for kind, name, properties in stack.resources:
        group = properties.get("LogGroupName", f"{stack.stack_name}-{name}-1A2B3C4D5E6F")
        if kind == "Logs::LogGroup" and not fnmatchcase(f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}", pattern):
            yield f"the key's policy does not cover log group {group}"


def _delivering_services(stack: Deployed, policy: dict[str, Any]) -> Iterator[str]:
    """Who sends to a queue in nobody's name has no role that could be let use the key."""
    allowed = {
        service
        for statement in policy["Statement"]
        if {"kms:Decrypt", "kms:GenerateDataKey"} <= set(as_list(statement["Action"]))
        for service in as_list(statement["Principal"].get("Service", []))
    }
    for kind, name, properties in stack.resources:
        if kind == "SQS::QueuePolicy":
            for statement in properties["PolicyDocument"]["Statement"]:
                principal = statement["Principal"]
                sender = principal.get("Service") if isinstance(principal, dict) else None
                if statement["Effect"] == "Allow" and sender and sender not in allowed:
                    yield f"{sender} may send to the queue of {name}, and not use its key"


def _roles(stack: Deployed, key: str) -> Iterator[str]:
    for kind, name, properties in stack.resources:
        if kind == "IAM::Policy":
            statements = properties["PolicyDocument"]["Statement"]
            actions = {action for each in statements for action in as_list(each["Action"])}
            given = set(_given(statements, key))
            for missing in sorted(_wanted(actions) - given):
                yield f"{name} lacks {' through '.join(missing)}"


def _wanted(actions: set[str]) -> set[tuple[str, str]]:
    return {
        (kms, action.partition(":")[0])
        for action in actions
        for pattern, asked in ASKED_FOR.items()
        if fnmatchcase(action, pattern)
        for kms in asked
    }


def _given(statements: list[dict[str, Any]], key: str) -> Iterator[tuple[str, str]]:
    for each in statements:
        if key in as_list(each["Resource"]):
            for host in as_list(each["Condition"]["StringEquals"]["kms:ViaService"]):
                for action in as_list(each["Action"]):
                    yield action, re.sub(r"\..*", "", host)
