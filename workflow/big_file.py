"""The state that has a big file transformed in a container on Fargate, where a stage has `big_files`.

Transform finds a file that no function can do, and afterwards takes what the container made of it. `${…}` stand for
what the stack makes.
"""

from typing import Any

from workflow.asl import Retry, ServiceTask
from workflow.limits import BIG_FILE

CONTAINER_NAME = "transform"
"""In the task that ECS runs."""
NO_CAPACITY = ["ECS.AmazonECSException"]
"""Fargate has none for the moment."""
DIED = ["States.TaskFailed"]
MAX_OVERRIDES_CHARACTERS = 8192
"""ECS takes no more in the overrides of a task."""


def big_file_task(retries: list[Retry]) -> ServiceTask:
    return ServiceTask(
        "TransformBig",
        comment="Transform, in a container: for what a function has too little memory, disk or time for",
        service="ecs:runTask.sync",
        parameters={
            "LaunchType": "FARGATE",
            "Cluster": "${big_files_cluster}",
            "TaskDefinition": "${big_files_task}",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets.$": "States.StringSplit('${big_files_subnets}', ',')",
                    "SecurityGroups": ["${big_files_security_group}"],
                    "AssignPublicIp": "ENABLED",
                }
            },
            "Overrides": {"ContainerOverrides": [{"Name": CONTAINER_NAME, "Environment": _environment()}]},
        },
        result_selector={"container.$": "$.TaskArn"},
        keep_as="$.big_file",
        timeout_seconds=BIG_FILE.state_timeout_seconds,
        retry=retries,
    )


def _environment() -> list[dict[str, Any]]:

    values = {
        "ASSET": "States.JsonToString($.asset)",
        "EXECUTION": "$$.Execution.Name",
        "EXECUTION_ARN": "$$.Execution.Id",
        "STARTED": "$$.Execution.StartTime",
    }
    return [{"Name": name, "Value.$": path} for name, path in values.items()]
