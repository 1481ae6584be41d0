"""Which resources a Task may name: functions, activities, calls of the AWS SDK, and the optimized integrations.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html, its table and each service's page.
"""

import re
from typing import Final

SYNC: Final = ".sync"
NEWER_SYNC: Final = ".sync:2"
CALLBACK: Final = ".waitForTaskToken"

DIRECT = re.compile(r"arn:[\w-]+:(lambda:[\w-]*:\d*:function:.+|states:[\w-]*:\d*:activity:.+)")
INTEGRATION = re.compile(
    r"arn:[\w-]+:states:[\w-]*:\d*:(?P<call>[\w:-]+?)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?"
)
SDK_CALL = re.compile(r"aws-sdk:[a-z0-9]+:[a-z]\w*")

ACTIONS: dict[str, tuple[str, ...]] = {
    "apigateway": ("invoke",),
    "athena": ("startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"),
    "batch": ("submitJob",),
    "bedrock": ("invokeModel", "createModelCustomizationJob"),
    "codebuild": (
        *("startBuild", "stopBuild", "batchDeleteBuilds", "batchGetReports"),
        *("startBuildBatch", "stopBuildBatch", "retryBuildBatch", "deleteBuildBatch"),
    ),
    "databrew": ("startJobRun",),
    "dynamodb": ("getItem", "putItem", "deleteItem", "updateItem"),
    "ecs": ("runTask",),
    "eks": (
        *("call", "runJob", "createCluster", "deleteCluster", "createFargateProfile", "deleteFargateProfile"),
        *("createNodegroup", "deleteNodegroup"),
    ),
    "elasticmapreduce": (
        *("createCluster", "terminateCluster", "addStep", "cancelStep", "setClusterTerminationProtection"),
        *("modifyInstanceFleetByName", "modifyInstanceGroupByName"),
    ),
    "emr-containers": ("createVirtualCluster", "deleteVirtualCluster", "startJobRun"),
    "emr-serverless": (
        *("createApplication", "startApplication", "stopApplication", "deleteApplication"),
        *("startJobRun", "cancelJobRun"),
    ),
    "events": ("putEvents",),
    "glue": ("startJobRun",),
    "http": ("invoke",),
    "lambda": ("invoke",),
    "mediaconvert": ("createJob",),
    "sagemaker": (
        *("createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob", "createLabelingJob"),
        *("createModel", "createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint"),
    ),
    "sns": ("publish",),
    "sqs": ("sendMessage",),
    "states": ("startExecution",),
}

JOBS = frozenset({"athena", "batch", "bedrock", "codebuild", "databrew", "ecs", "eks", "elasticmapreduce"}) | {
    *("emr-containers", "emr-serverless", "glue", "mediaconvert", "sagemaker", "states")
}
"""The services of which a Task may wait for the end of a job."""
CALLBACKS = frozenset({"apigateway", "aws-sdk", "bedrock", "ecs", "eks", "events", "lambda", "sns", "sqs", "states"})
"""The services that may be told a task token."""


def is_recognized(resource: str) -> bool:
    if DIRECT.fullmatch(resource):
        return True
    named = INTEGRATION.fullmatch(resource)
    if named is None:
        return False
    service, _, action = named["call"].partition(":")
    known = SDK_CALL.fullmatch(named["call"]) is not None or action in ACTIONS.get(service, ())
    return known and _takes(service, named["pattern"])


def pattern_of(resource: str) -> str | None:
    """How the state waits: the end of an integration's name, without its version."""
    named = INTEGRATION.fullmatch(resource)
    return named["pattern"].removesuffix(":2") if named and named["pattern"] else None


def _takes(service: str, pattern: str | None) -> bool:
    allowed = {
        None: True,
        SYNC: service in JOBS,
        NEWER_SYNC: service == "states",
        CALLBACK: service in CALLBACKS,
    }
    return allowed[pattern]
