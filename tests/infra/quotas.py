"""What AWS takes no more of: sizes and numbers in one stack, each with where AWS says so."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.infra.conftest import as_list
from tests.infra.deployed import Deployed
from tests.infra.service_reference import documents

CLOUDFORMATION = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}
TEMPLATE_BYTES = 1024**2
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
POLICY_CHARACTERS = {
    "IAM::Role": 2_048,  # who may assume it: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    "KMS::Key": 32_768,  # https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    "S3::BucketPolicy": 20_480,  # https://docs.aws.amazon.com/general/latest/gr/s3.html
    "SNS::TopicPolicy": 30_720,  # https://docs.aws.amazon.com/general/latest/gr/sns.html
    "SQS::QueuePolicy": 8_192,  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
}
ROLE_POLICY_CHARACTERS = 10_240
"""All inline policies of a role together, without white space, as IAM counts."""
SIZES: Mapping[tuple[str, str], int] = {
    (
        "Lambda::Function",
        "Environment",
    ): 4_096,  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    ("StepFunctions::StateMachine", "DefinitionString"): 1024**2,  # …/step-functions/latest/dg/service-quotas.html
    ("Events::Rule", "EventPattern"): 2_048,  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    ("SSM::Parameter", "Value"): 4_096,  # standard ones: https://docs.aws.amazon.com/general/latest/gr/ssm.html
}
TARGETS_OF_A_RULE = 5
RULES_OF_A_BUS = 300
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
TAGS = 50
"""https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"""
ACTIONS_OF_AN_ALARM = 5
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""


def exceeded(stack: Deployed) -> Iterator[str]:
    """Each with what it is, and what is allowed."""
    body, size = stack.template.body, stack.template.path.stat().st_size
    for section, allowed in CLOUDFORMATION.items():
        yield from _more(stack.stack_name, section, len(body.get(section, {})), allowed)
    yield from _more(stack.stack_name, "bytes", size, TEMPLATE_BYTES)
    for kind, name, properties in stack.resources:
        yield from _of_resource(kind, name, properties)
    yield from _role_policies(stack)
    yield from _rules(stack)


def _of_resource(kind: str, name: str, properties: Mapping[str, Any]) -> Iterator[str]:
    for of, property_name in SIZES:
        if of == kind and property_name in properties:
            yield from _more(name, property_name, _size(properties[property_name]), SIZES[of, property_name])
    for document in documents(properties):
        if kind in POLICY_CHARACTERS:
            yield from _more(name, "policy", _size(document), POLICY_CHARACTERS[kind])
    yield from _more(name, "targets", len(properties.get("Targets", [])), TARGETS_OF_A_RULE)
    yield from _more(name, "tags", len(properties.get("Tags", [])), TAGS)
    yield from _more(name, "alarm actions", len(properties.get("AlarmActions", [])), ACTIONS_OF_AN_ALARM)


def _role_policies(stack: Deployed) -> Iterator[str]:
    sizes: Counter[str] = Counter()
    for kind, _, properties in stack.resources:
        if kind == "IAM::Policy":
            for role in as_list(properties["Roles"]):
                sizes[role] += _size(properties["PolicyDocument"])
    for role, size in sizes.items():
        yield from _more(role, "policies", size, ROLE_POLICY_CHARACTERS)


def _rules(stack: Deployed) -> Iterator[str]:
    buses = Counter(
        props.get("EventBusName", "default") for kind, _, props in stack.resources if kind == "Events::Rule"
    )
    for bus, rules in buses.items():
        yield from _more(bus, "rules", rules, RULES_OF_A_BUS)


def _size(value: Any) -> int:
    """Without white space."""
    return len(value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _more(name: str, what: str, found: int, allowed: int) -> Iterator[str]:
    if found > allowed:
        yield f"{name}: {what} {found:,}, allowed are {allowed:,}"
