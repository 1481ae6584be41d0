"""The security rules that every synthesis is checked against, and the findings that we keep, each with its reason.

cdk-nag names a finding by the rule and, for a wildcard, the resource as it stands in the template.
"""

from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

OLDER_RUNTIME = "AwsSolutions-L1"
QUEUE_WITHOUT_DLQ = "AwsSolutions-SQS3"
KEY_WITHOUT_ROTATION = "AwsSolutions-SMG4"
WILDCARD = "AwsSolutions-IAM5"


def check(app: cdk.App) -> None:
    """Lets synthesis fail on anything that the rules find and that is not acknowledged where it stands."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: Construct, finding: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def acknowledge_unnamed_service(role: Construct) -> None:
    """For statements on X-Ray and on log deliveries."""
    acknowledge(role, f"{WILDCARD}[Resource::*]", "These services have no resources that a policy could name")


def acknowledge_open_ends(role: Construct, resources: list[str]) -> None:
    """For those of a statement's `resources` that are named but for their last part."""
    for resource in resources:
        if resource.endswith("*"):
            acknowledge(
                role,
                f"{WILDCARD}[Resource::{_written_out(cdk.Stack.of(role).resolve(resource))}]",
                "Objects, executions and tables get their names later: the bucket and prefix, the state machine or "
                "the database is named",
            )


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
        case _:
            raise ValueError(f"A role's resource has a form that cdk-nag's findings are not matched for: {resource}")
