"""PublishStateMachineVersion publishes a revision once, and ListStateMachineVersions goes on after its first page.

Stock publishes another version whenever it is asked, and hides the versions beyond maxResults.
"""

from infra.local.engine.api import Members, RefusedError, Response, action
from infra.local.ministack import stepfunctions as sf

DEFAULT_PAGE_SIZE = 100

_stock_publish = sf._publish_state_machine_version


def install() -> None:
    sf._publish_state_machine_version = publish
    sf._list_state_machine_versions = action(list_versions)


def publish(request: Members) -> Response:
    arn = request.get("stateMachineArn")
    machine = sf._state_machines.get(arn)
    if machine and request.get("revisionId") in (None, machine["revisionId"]):
        for version in versions_of(arn):
            if version["stateMachineRevisionId"] == machine["revisionId"]:
                return sf.json_response(listed(version))
    return _stock_publish(request)


def list_versions(request: Members) -> Members:
    """Newest first; a page's token is where the next one begins."""
    arn = request["stateMachineArn"]
    if arn not in sf._state_machines:
        raise RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    start = int(request.get("nextToken") or 0)
    end = start + (request.get("maxResults") or DEFAULT_PAGE_SIZE)
    found = sorted(versions_of(arn), key=number, reverse=True)
    page = {"stateMachineVersions": [listed(version) for version in found[start:end]]}
    return page | ({"nextToken": str(end)} if end < len(found) else {})


def versions_of(machine_arn: str | None) -> list[Members]:
    return [version for version in sf._state_machine_versions.values() if version["stateMachineArn"] == machine_arn]


def number(version: Members) -> int:
    return int(version["stateMachineVersionArn"].rpartition(":")[2])


def listed(version: Members) -> Members:
    return {name: version[name] for name in ("stateMachineVersionArn", "creationDate")}
