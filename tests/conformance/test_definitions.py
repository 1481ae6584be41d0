"""Definitions that AWS refused, with what it said: CreateStateMachine and ValidateStateMachineDefinition."""

import json
from typing import Any

import pytest

from infra.local.patches.stepfunctions.definitions import SCHEMA, Diagnostic, diagnose

PASS = {"Type": "Pass", "End": True}
NOT_A_TIMESTAMP = (SCHEMA, "String does not match RFC3339 timestamp", "/States/A/Timestamp")
UNKNOWN = "is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."


def only(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": {"End": True, **state}}, **fields}


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return only({"Type": "Task", "Resource": resource, **fields})


def states(action: str) -> str:
    return f"arn:aws:states:::{action}"


def wait(timestamp: str, **fields: Any) -> dict[str, Any]:
    return only({"Type": "Wait", "Timestamp": timestamp}, **fields)


def not_in_express(what: str) -> tuple[str, str, str]:
    return SCHEMA, f"Express state machine does not support {what}", "/States/A/Resource"


REFUSED: dict[str, tuple[str, Any, tuple[str, str, str | None]]] = {
    # test_sfn_api::test_create_delete_invalid_sm, 04-08-2023
    "no states": ("STANDARD", {"StartAt": "A"}, (SCHEMA, "These fields are required: [States]", "/")),
    # test_sfn_api_validation::test_validate_state_machine_definition_*, 19-10-2025
    "nothing": ("STANDARD", "", (SCHEMA, "Definition must be a valid JSON object", None)),
    "no members": ("STANDARD", {}, (SCHEMA, "These fields are required: [States, StartAt]", "/")),
    "no start": ("EXPRESS", {"States": {"A": PASS}}, (SCHEMA, "These fields are required: [StartAt]", "/")),
    "other language": (
        "STANDARD",
        only({"Type": "Pass", "QueryLanguage": "JSONPath"}, QueryLanguage="JSONata"),
        (SCHEMA, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", "/States/A"),
    ),
    # scenarios/test_base_scenarios::test_wait_timestamp_invalid, 27-12-2024
    "no T": ("STANDARD", wait("2016-03-14 01:59:00Z"), NOT_A_TIMESTAMP),
    "no Z": ("STANDARD", wait("2016-03-14T01:59:00"), NOT_A_TIMESTAMP),
    "no such day": ("STANDARD", wait("2016-14-14T01:59:00Z"), NOT_A_TIMESTAMP),
    "no such hour": ("STANDARD", wait("2016-03-14T61:59:00Z"), NOT_A_TIMESTAMP),
    "expression": ("STANDARD", wait("{% '2016-03-14T01:59:00Z' %}"), NOT_A_TIMESTAMP),
    # test_sfn_api_express::test_illegal_callbacks and test_illegal_activity_task, 03-07-2024; the blank is AWS's
    "express sync": (
        "EXPRESS",
        task(states("states:startExecution.sync")),
        not_in_express("'.sync' service integration"),
    ),
    "express callback": (
        "EXPRESS",
        task(states("sqs:sendMessage.waitForTaskToken")),
        not_in_express("'.waitForTaskToken' service integration "),
    ),
    "express activity": (
        "EXPRESS",
        task("arn:aws:states:us-east-1:000000000000:activity:a"),
        not_in_express("Activity ARN"),
    ),
    # services/test_dynamodb_task_service::test_invalid_integration, 06-11-2025
    "no such integration": (
        "STANDARD",
        task(states("dynamodb:query")),
        (SCHEMA, f"The resource provided {states('dynamodb:query')} {UNKNOWN}", "/States/A/Resource"),
    ),
    # credentials/test_credentials_base::test_invalid_credentials_field, 04-12-2024
    "no role": (
        "STANDARD",
        task(states("lambda:invoke"), Credentials={"NoRole": "r"}),
        (SCHEMA, "The field 'RoleArn' is required but was missing", "/States/A/Credentials"),
    ),
}

TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    # Developer guide, "Integrating optimized services with Step Functions".
    **{
        action: ("STANDARD", task(states(action)))
        for action in (
            *("lambda:invoke", "lambda:invoke.waitForTaskToken", "dynamodb:updateItem", "sqs:sendMessage"),
            *("states:startExecution.sync", "states:startExecution.sync:2", "ecs:runTask.sync", "events:putEvents"),
            *("mediaconvert:createJob.sync", "aws-sdk:s3:getObject", "aws-sdk:sfn:startExecution.waitForTaskToken"),
        )
    },
    "express": ("EXPRESS", task(states("lambda:invoke"))),
    "offset": ("STANDARD", wait("2016-03-14T01:59:00.5+01:00")),
    "expression": ("STANDARD", wait("{% $states.input.due %}", QueryLanguage="JSONata")),
}

# The same table: a pattern that the service does not have, and what names no service.
UNKNOWN_RESOURCES = (
    *("dynamodb:putItem.sync", "lambda:invoke.sync", "ecs:runTask.sync:2", "glue:startJobRun.waitForTaskToken"),
    *("aws-sdk:s3", "nosuch:invoke", "lambda"),
)


@pytest.mark.parametrize("name", REFUSED)
def test_a_definition_is_refused_in_the_words_of_aws(name: str) -> None:
    machine_type, definition, (code, message, location) = REFUSED[name]
    text = definition if isinstance(definition, str) else json.dumps(definition)
    assert diagnose(text, machine_type) == [Diagnostic(code, message, location)]


@pytest.mark.parametrize("name", TAKEN)
def test_a_definition_is_taken(name: str) -> None:
    machine_type, definition = TAKEN[name]
    assert diagnose(json.dumps(definition), machine_type) == []


@pytest.mark.parametrize("action", UNKNOWN_RESOURCES)
def test_an_integration_that_does_not_exist_is_refused(action: str) -> None:
    (found,) = diagnose(json.dumps(task(states(action))))
    assert found.message.endswith(UNKNOWN)
