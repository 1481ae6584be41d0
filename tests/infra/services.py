"""What AWS's services do in the roles' names, and the embedded AWS asks no policy for.

It is read from what came of it, or from what tells the service to do so.
"""

import json
from collections.abc import Iterator

from infra.local.authorizations import Authorization
from tests.infra.enforcing import Enforcing

CONSUMES = {
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
    "dynamodb": ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"),
    "kinesis": ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"),
}
"""What Lambda asks of a source, by its service: https://docs.aws.amazon.com/lambda/latest/dg/lambda-permissions.html"""


def used_by_services(stage: Enforcing) -> Iterator[Authorization]:
    yield from functions_called(stage)
    yield from logs_written(stage)
    yield from sources_consumed(stage)
    yield from executions_started(stage)
    yield from dead_letters_sent(stage)
    yield from schedules_started(stage)
    yield from batches_run(stage)


FOLLOWING_RULE = "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""By which Step Functions learns that an execution has ended that a state waits for."""


def functions_called(stage: Enforcing) -> Iterator[Authorization]:
    """By the state machine: each version that a history names."""
    machine = stage.client("stepfunctions").describe_state_machine(stateMachineArn=stage.outputs["StateMachineArn"])
    role = role_name(machine["roleArn"])
    calls = (call for execution in stage.executions() for call in stage.calls(execution))
    yield from (using(role, "lambda:InvokeFunction", call["FunctionName"]) for call in calls)


def logs_written(stage: Enforcing) -> Iterator[Authorization]:
    logs = stage.client("logs")
    for function in stage.client("lambda").list_functions()["Functions"]:
        group = function["LoggingConfig"]["LogGroup"]
        (arn,) = (
            g["arn"]
            for g in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
            if g["logGroupName"] == group
        )
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            resource = f"{arn.removesuffix(':*')}:log-stream:{stream['logStreamName']}"
            yield using(role_name(function["Role"]), "logs:CreateLogStream", resource)
            yield using(role_name(function["Role"]), "logs:PutLogEvents", resource)


def sources_consumed(stage: Enforcing) -> Iterator[Authorization]:
    """By Lambda for functions that get batches; what they cannot take goes to the destination."""
    functions = stage.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        role = role_name(functions.get_function_configuration(FunctionName=mapping["FunctionArn"])["Role"])
        source = mapping["EventSourceArn"]
        service = source.split(":")[2]
        yield from (using(role, f"{service}:{action}", source) for action in CONSUMES[service])
        if queue := mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            yield using(role, "sqs:SendMessage", queue)


def executions_started(stage: Enforcing) -> Iterator[Authorization]:
    """By rules. IAM looks at the state machine's own ARN, whichever version or alias is started."""
    events = stage.client("events")
    for rule in events.list_rules()["Rules"]:
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            if ":stateMachine:" in target["Arn"]:
                own_arn = ":".join(target["Arn"].split(":")[:7])
                yield using(role_name(target["RoleArn"]), "states:StartExecution", own_arn)


def dead_letters_sent(stage: Enforcing) -> Iterator[Authorization]:
    """Of events that a function gave up."""
    for function in stage.client("lambda").list_functions()["Functions"]:
        if queue := function.get("DeadLetterConfig", {}).get("TargetArn"):
            yield using(role_name(function["Role"]), "sqs:SendMessage", queue)


def schedules_started(stage: Enforcing) -> Iterator[Authorization]:
    """What they could not start goes to their queue."""
    scheduler = stage.client("scheduler")
    for schedule in scheduler.list_schedules()["Schedules"]:
        target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
        yield using(role_name(target["RoleArn"]), "lambda:InvokeFunction", target["Arn"])
        yield using(role_name(target["RoleArn"]), "sqs:SendMessage", target["DeadLetterConfig"]["Arn"])


def batches_run(stage: Enforcing) -> Iterator[Authorization]:
    """By the reprocess machine: of what each batch read, wrote and started."""
    states, machine = stage.client("stepfunctions"), stage.outputs["ReprocessStateMachineArn"]
    role = role_name(states.describe_state_machine(stateMachineArn=machine)["roleArn"])
    for batch in stage.executions("ReprocessStateMachineArn"):
        (run,) = states.list_map_runs(executionArn=batch)["mapRuns"]
        children = stage.executions(mapRunArn=run["mapRunArn"])
        used = [*batch_files(stage, batch), *batch_executions(stage, batch, machine, children)]
        used += [("lambda:InvokeFunction", call["FunctionName"]) for call in stage.calls(batch)]
        yield from (using(role, action, resource) for action, resource in used)


def batch_files(stage: Enforcing, batch: str) -> Iterator[tuple[str, str]]:
    """The manifest, and results: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html"""
    objects = f"arn:aws:s3:::{stage.outputs['OperationsBucket']}"
    wanted = json.loads(stage.client("stepfunctions").describe_execution(executionArn=batch)["input"])
    yield "s3:GetObject", f"{objects}/{wanted['manifest']['key']}"
    for key in stage.keys("OperationsBucket"):
        if key.startswith(f"reprocess/{wanted['batch']}/results/"):
            yield from ((f"s3:{action}", f"{objects}/{key}") for action in ("PutObject", "ListMultipartUploadParts"))


def batch_executions(stage: Enforcing, batch: str, machine: str, children: list[str]) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html, and the page above."""
    name = batch.rpartition(":")[2]
    yield "states:StartExecution", machine
    for child in children:
        yield from ((f"states:{action}Execution", child) for action in ("Describe", "Stop", "Redrive"))
    for started in (each for each in stage.executions() if each.rpartition(":")[2].startswith(f"{name}-")):
        yield "states:StartExecution", stage.outputs["StateMachineArn"]
        yield from ((f"states:{action}Execution", started) for action in ("Describe", "Stop"))
        yield from ((f"events:{action}", FOLLOWING_RULE) for action in ("PutTargets", "PutRule", "DescribeRule"))


def using(role: str, action: str, resource: str) -> Authorization:
    return Authorization(role, action, resource, allowed=True)


def role_name(arn: str) -> str:
    return arn.rpartition("/")[2]
