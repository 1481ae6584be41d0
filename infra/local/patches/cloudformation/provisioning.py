"""Lets a patch apply the properties of a CloudFormation resource that the emulator leaves out."""

import functools
from collections.abc import Callable
from typing import Any

from infra.local.ministack import provisioners

Properties = dict[str, Any]
Provision = Callable[..., tuple[str, dict[str, Any]]]
Apply = Callable[[str, Properties], None]
"""Takes the resource's physical name and its properties."""
Response = tuple[int, dict[str, str], bytes]


def after_provisioning(resource_type: str, apply: Apply) -> None:
    """Calls `apply` whenever a resource of this type was created or updated."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    handler["create"] = _then(handler["create"], apply, properties_at=1)
    handler["update"] = _then(handler["update"], apply, properties_at=2)


def require(response: Response) -> None:
    """Fails the resource, and so the stack, when the emulator's service refused the property."""
    status, _headers, body = response
    if status >= 400:  # noqa: PLR2004 - HTTP's errors start there
        raise ValueError(body.decode())


def _then(provision: Provision, apply: Apply, properties_at: int) -> Provision:
    @functools.wraps(provision)
    def provision_and_apply(*args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        name, attributes = provision(*args, **kwargs)
        apply(name, args[properties_at])
        return name, attributes

    return provision_and_apply
