"""The security rules that every synthesis is checked against, and the findings that we keep.

There are five reasons to keep one, another for containers and another for the webhook, and no others; each finding is
acknowledged on the very resource that has it.
cdk-nag names a finding by the rule and, for a wildcard, the resource as it stands in the template.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import Construct

WILDCARD = "AwsSolutions-IAM5"
NAMED_LATER = (
    "Objects, executions, log streams, tables and versions get their names later: the bucket and prefix, the state "
    "machine, the log group, the database or the function is named"
)
UNNAMED_SERVICE = "X-Ray, log deliveries and ECR's token have no resources that a policy could name"
RECEIVER_LEARNS_KEYS = (
    "The receiver has to learn each new key from a person before the one before the last is forgotten"
)
KEPT_AS_SET = "The stage keeps its logs for good: observability.log_retention"
NO_SECRETS = "They are names of buckets and of the table"
IS_DEAD_LETTERS = "It is a dead-letter queue: what is in there was given up already, and waits for a person"
FAILS_ELSEWHERE = (
    "What it cannot take is kept elsewhere: by its own dead-letter queue, by its source's, or by whoever waits for its "
    "answer"
)
HISTORY_IS_KEPT = "Step Functions keeps every event of an execution for 90 days; its log is for what failed"
TESTED_RUNTIME = "The functions run on the newest Python that every library they use, and the tests, run on as well"


def check(app: cdk.App) -> None:
    """Lets synthesis fail on anything that the rules find and that is not acknowledged where it stands."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))


def acknowledge_dead_letters(queue: Construct) -> None:
    """cdk-nag knows few for what they are: those of queues and of functions, by one of its two rules."""
    for finding in ("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"):
        _acknowledge(queue, finding, IS_DEAD_LETTERS)


def acknowledge_function(function: Construct, *, has_dead_letters: bool) -> None:
    """Where Lambda itself calls it, it has dead letters, and then needs no second place for the same events."""
    for finding in ("AwsSolutions-L1", "Serverless-LambdaLatestVersion"):
        _acknowledge(function, finding, TESTED_RUNTIME)
    finding = "LambdaAsyncFailureDestination" if has_dead_letters else "LambdaDLQ"
    _acknowledge(function, f"Serverless-{finding}", FAILS_ELSEWHERE)


def acknowledge_queue_reader(mapping: Construct) -> None:
    """Lambda has no destinations for what comes from a queue: the queue has dead letters."""
    _acknowledge(mapping, "Serverless-LambdaEventSourceMappingDestination", FAILS_ELSEWHERE)


def acknowledge_endless_logs(stack: cdk.Stack) -> None:
    """For a stage whose `log_retention` is INFINITE."""
    for construct in stack.node.find_all():
        if isinstance(construct, logs.CfnLogGroup):
            _acknowledge(construct, "Serverless-CloudWatchLogGroupRetentionPeriod", KEPT_AS_SET)


def acknowledge_mails(subscription: Construct) -> None:
    """An alarm that no mail told of still shows in CloudWatch."""
    _acknowledge(subscription, "Serverless-SNSRedrivePolicy", FAILS_ELSEWHERE)


def acknowledge_plain_environment(container_task: Construct) -> None:
    """Of a container; of functions no rule asks it."""
    _acknowledge(container_task, "AwsSolutions-ECS2", NO_SECRETS)


def acknowledge_unrotated_key(secret: Construct) -> None:
    """Of the webhook."""
    _acknowledge(secret, "AwsSolutions-SMG4", RECEIVER_LEARNS_KEYS)


def acknowledge_unnamed_service(role: Construct) -> None:
    """For statements on X-Ray, on log deliveries and on ECR's token."""
    _acknowledge(role, f"{WILDCARD}[Resource::*]", UNNAMED_SERVICE)


def acknowledge_log_of_failures(machine: Construct) -> None:
    _acknowledge(machine, "AwsSolutions-SF1", HISTORY_IS_KEPT)


def acknowledge_open_ends(role: Construct, resources: list[str]) -> None:
    """For those of a statement's `resources` that are named but for their last part."""
    for resource in resources:
        if resource.endswith("*"):
            written = _written_out(cdk.Stack.of(role).resolve(resource))
            _acknowledge(role, f"{WILDCARD}[Resource::{written}]", NAMED_LATER)


def _acknowledge(construct: Construct, finding: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def _written_out(resource: Any) -> str:
    """A resource as cdk-nag writes it."""
    match resource:
        case str():
            return resource
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(_written_out(part) for part in parts)
        case {"Fn::ImportValue": str(name)}:
            return name
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case _:
            raise ValueError(f"A role's resource has a form that cdk-nag's findings are not matched for: {resource}")
