"""AWS::StepFunctions::StateMachineVersion and StateMachineAlias, which the emulator does not know.

An alias with a DeploymentPreference gives its new version more and more of the executions while the stack's update goes
on; an alarm that goes off, or a cancelled update, gives all of them back to the version before, and fails the update.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-stepfunctions-statemachinealias-deploymentpreference.html
SLUICE_MINUTE_SECONDS says how long a minute of the preference's Interval takes here.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.ministack import cloudformation, cloudwatch, provisioners, stacks
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.cloudformation.provisioning import Properties, require

VERSION = "AWS::StepFunctions::StateMachineVersion"
ALIAS = "AWS::StepFunctions::StateMachineAlias"
MINUTE_SECONDS = float(os.environ.get("SLUICE_MINUTE_SECONDS", "60"))
POLL_SECONDS = 0.02
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
ALL = 100

Provisioned = tuple[str, dict[str, str]]
Routes = list[dict[str, Any]]


class RolledBackError(Exception):
    """The alias did not get to its new version; the message is the reason that CloudFormation tells."""


def install() -> None:
    provisioners._RESOURCE_HANDLERS[VERSION] = {"create": create_version, "delete": delete_version}
    provisioners._RESOURCE_HANDLERS[ALIAS] = {"create": create_alias, "update": update_alias, "delete": delete_alias}
    provisioners._REPLACING_PROPERTIES[VERSION] = ("StateMachineArn", "StateMachineRevisionId")
    provisioners._REPLACING_PROPERTIES[ALIAS] = ("Name",)
    stacks._runs_on_worker_thread = or_alias(stacks._runs_on_worker_thread)


def or_alias(runs_on_worker_thread: Callable[[str], bool]) -> Callable[[str], bool]:
    """A gradual deployment waits, and everything else must go on meanwhile."""
    return lambda resource_type: resource_type == ALIAS or runs_on_worker_thread(resource_type)


def create_version(_logical_id: str, properties: Properties, _stack: str) -> Provisioned:
    names = {
        "stateMachineArn": "StateMachineArn",
        "revisionId": "StateMachineRevisionId",
        "description": "Description",
    }
    request = {name: properties[given] for name, given in names.items() if properties.get(given)}
    response = sf._publish_state_machine_version(request)
    require(response)
    return named(json.loads(response[2])["stateMachineVersionArn"])


def delete_version(arn: str, _properties: Properties) -> None:
    require(sf._delete_state_machine_version({"stateMachineVersionArn": arn}))


def create_alias(logical_id: str, properties: Properties, stack: str) -> Provisioned:
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=80)
    request = {"name": name, "description": properties.get("Description", ""), "routingConfiguration": goal(properties)}
    response = sf._create_state_machine_alias(request)
    require(response)
    return named(json.loads(response[2])["stateMachineAliasArn"])


def update_alias(arn: str, _old: Properties, new: Properties, stack: str) -> Provisioned:
    if cloudformation._stacks[stack]["StackStatus"] == ROLLING_BACK:
        route(arn, goal(new))
    else:
        deploy(arn, goal(new), new.get("DeploymentPreference") or {}, stack)
    return named(arn)


def deploy(arn: str, after: Routes, preference: Properties, stack: str) -> None:
    before: Routes = sf._state_machine_aliases[arn]["routingConfiguration"]
    try:
        for routes in stages_of(before, after, preference):
            route(arn, routes)
            watch(stack, preference, minutes=preference.get("Interval", 0) if len(routes) > 1 else 0)
    except RolledBackError:
        route(arn, before)
        raise


def delete_alias(arn: str, _properties: Properties) -> None:
    require(sf._delete_state_machine_alias({"stateMachineAliasArn": arn}))


def named(arn: str) -> Provisioned:
    return arn, {"Arn": arn}


def goal(properties: Properties) -> Routes:
    """Where an alias leads to in the end."""
    preference = properties.get("DeploymentPreference")
    if preference:
        return [to(preference["StateMachineVersionArn"], ALL)]
    return [to(each["StateMachineVersionArn"], int(each["Weight"])) for each in properties["RoutingConfiguration"]]


def to(version_arn: str, weight: int) -> dict[str, Any]:
    return {"stateMachineVersionArn": version_arn, "weight": weight}


def stages_of(before: Routes, after: Routes, preference: Properties) -> Iterator[Routes]:
    """The routes that a deployment sets, one after the other; the last are `after`."""
    old = max(before, key=lambda each: each["weight"])["stateMachineVersionArn"]
    new = after[0]["stateMachineVersionArn"]
    for share in shares_of(preference) if old != new else ():
        yield [to(old, ALL - share), to(new, share)]
    yield after


def shares_of(preference: Properties) -> range:
    """The percentages that a new version gets before it gets all."""
    step = int(preference.get("Percentage", ALL))
    match preference.get("Type"):
        case "CANARY":
            return range(step, step + 1)
        case "LINEAR":
            return range(step, ALL, step)
        case _:
            return range(0)


def route(arn: str, routes: Routes) -> None:
    require(sf._update_state_machine_alias({"stateMachineAliasArn": arn, "routingConfiguration": routes}))


def watch(stack: str, preference: Properties, *, minutes: int) -> None:
    deadline = time.monotonic() + float(minutes) * MINUTE_SECONDS
    require_calm(stack, preference)
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        require_calm(stack, preference)


def require_calm(stack: str, preference: Properties) -> None:
    """An alarm that does not exist counts as one that is quiet."""
    known = (cloudwatch._alarms.get(name, {}) for name in preference.get("Alarms", []))
    if loud := [alarm["AlarmName"] for alarm in known if alarm.get("StateValue") == "ALARM"]:
        raise RolledBackError(f"One or more alarms went off during the deployment: {', '.join(loud)}")
    if cloudformation._stacks[stack].get("_cancel_requested"):
        raise RolledBackError("Resource update cancelled")
