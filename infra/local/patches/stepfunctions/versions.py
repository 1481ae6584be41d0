"""PublishStateMachineVersion publishes a revision once, and ListStateMachineVersions goes on after its first page.

Stock publishes another version whenever it is asked, and hides the versions beyond maxResults.
AWS: recorded in test_sfn_api_versioning, 11-08-2023.
"""

from infra.local.engine.api import Members, RefusedError, Response, action, checked, page, require_machine
from infra.local.ministack import stepfunctions as sf

_stock_publish = sf._publish_state_machine_version


def install() -> None:
    sf._publish_state_machine_version = checked(require_revision, publish)
    sf._list_state_machine_versions = action(list_versions)
    sf._delete_state_machine_version = checked(require_unrouted, sf._delete_state_machine_version)


def require_revision(request: Members) -> None:
    revision = require_machine(request)["revisionId"]
    if (asked := request.get("revisionId") or revision) != revision:
        failed = f"Failed to publish the State Machine version for revision {asked}."
        raise RefusedError("ConflictException", f"{failed} The current State Machine revision is {revision}.")


def require_unrouted(request: Members) -> None:
    version = request.get("stateMachineVersionArn")
    names = [
        alias["name"]
        for alias in sf._state_machine_aliases.values()
        if any(route["stateMachineVersionArn"] == version for route in alias["routingConfiguration"])
    ]
    if names:
        needed = f"Current list of aliases referencing this version: [{', '.join(names)}]"
        raise RefusedError("ConflictException", f"Version to be deleted must not be referenced by an alias. {needed}")


def publish(request: Members) -> Response:
    machine = require_machine(request)
    for version in versions_of(machine["stateMachineArn"]):
        if version["stateMachineRevisionId"] == machine["revisionId"]:
            return sf.json_response(listed(version))
    return _stock_publish(request)


def list_versions(request: Members) -> Members:
    """Newest first."""
    found = sorted(versions_of(require_machine(request)["stateMachineArn"]), key=number, reverse=True)
    return page("stateMachineVersions", [listed(version) for version in found], request)


def versions_of(machine_arn: str) -> list[Members]:
    return [version for version in sf._state_machine_versions.values() if version["stateMachineArn"] == machine_arn]


def number(version: Members) -> int:
    return int(version["stateMachineVersionArn"].rpartition(":")[2])


def listed(version: Members) -> Members:
    return {name: version[name] for name in ("stateMachineVersionArn", "creationDate")}
