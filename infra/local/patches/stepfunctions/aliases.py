"""CreateStateMachineAlias is idempotent, and ListStateMachineAliases goes on after its first page.

Stock refuses an alias that is already there as it is asked for, takes names that AWS does not, and refuses in other
words. AWS: recorded in test_sfn_api_aliasing, 09-04-2025.
"""

import re

from infra.local.engine.api import (
    Handler,
    Members,
    RefusedError,
    Response,
    action,
    checked,
    constraint,
    page,
    require_machine,
)
from infra.local.ministack import stepfunctions as sf

MAX_NAME_LENGTH = 80
ALL = 100
NAME = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"
TAKEN = (
    "Failed to create alias because an alias with the same name and a different routing configuration already exists."
)


def install() -> None:
    sf._validate_alias_name = nothing_more
    sf._create_state_machine_alias = checked(require_alias, creating(sf._create_state_machine_alias))
    sf._update_state_machine_alias = checked(require_there, sf._update_state_machine_alias)
    sf._list_state_machine_aliases = action(list_aliases)


def require_alias(request: Members) -> None:
    name: str = request.get("name", "")
    if len(name) > MAX_NAME_LENGTH:
        raise constraint(name, "name", f"Member must have length less than or equal to {MAX_NAME_LENGTH}")
    if not re.fullmatch(NAME, name):
        raise constraint(name, "name", f"Member must satisfy regular expression pattern: {NAME}")
    require_routes(request["routingConfiguration"])


def nothing_more(_name: str) -> None:
    """The emulator's own check does not take the dots that AWS takes."""


def require_routes(routes: list[Members]) -> None:
    arns = [route["stateMachineVersionArn"] for route in routes]
    weights = [route["weight"] for route in routes]
    named = ", ".join(arns)
    if len(set(arns)) < len(arns):
        problem = f"Routing configuration must contain distinct state machine version ARNs. Received: [{named}]"
    elif not all(arn.rpartition(":")[2].isdecimal() for arn in arns):
        problem = f"Routing configuration must contain state machine version ARNs. Received: [{named}]"
    elif sum(weights) != ALL:
        problem = f"Sum of routing configuration weights must equal {ALL}. Received: {weights}"
    else:
        return
    raise RefusedError("ValidationException", problem)


def require_there(request: Members) -> None:
    if request.get("stateMachineAliasArn") not in sf._state_machine_aliases:
        raise RefusedError("ResourceNotFound", "Request references a resource that does not exist.")


def creating(create: Handler) -> Handler:
    def create_once(request: Members) -> Response:
        machine = request["routingConfiguration"][0]["stateMachineVersionArn"].rpartition(":")[0]
        alias: Members | None = sf._state_machine_aliases.get(f"{machine}:{request['name']}")
        if alias is None:
            return create(request)
        if described(alias) != described(request):
            return RefusedError("ConflictException", TAKEN).response()
        return sf.json_response(listed(alias))

    return create_once


def described(alias: Members) -> tuple[str, list[tuple[str, int]]]:
    """What a repeated request must have in common with the alias."""
    routes = [(route["stateMachineVersionArn"], route["weight"]) for route in alias["routingConfiguration"]]
    return alias.get("description", ""), sorted(routes)


def list_aliases(request: Members) -> Members:
    """Oldest first."""
    arn = require_machine(request)["stateMachineArn"]
    found = [alias for name, alias in sf._state_machine_aliases.items() if name.rpartition(":")[0] == arn]
    return page("stateMachineAliases", [listed(alias) for alias in found], request)


def listed(alias: Members) -> Members:
    return {name: alias[name] for name in ("stateMachineAliasArn", "creationDate")}
