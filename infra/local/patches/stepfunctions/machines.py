"""State machines are created, updated, described and deleted as AWS does it.

Stock gives a new machine a revision, and another with every update; publishes a version of an update that changed
nothing; describes with an empty description; refuses to delete what is not there, and takes an update of nothing.
AWS: recorded in test_sfn_api, 22-06-2023 to 08-08-2023, and test_sfn_api_versioning, 11-08-2023. A machine's first
revision is called INITIAL where one must be named: API reference, PublishStateMachineVersion.
"""

import copy
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from infra.local.engine.api import Handler, Members, RefusedError, Response, checked, require_arn, require_machine
from infra.local.ministack import provisioners
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.stepfunctions.logging import RESOURCE, TRACING_OFF

INITIAL: Final = "INITIAL"
UPDATED = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
NOTHING_TO_UPDATE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
)


def install() -> None:
    sf._create_state_machine = checked(require_creation, creating(sf._create_state_machine))
    sf._describe_state_machine = checked(require_machine_arn, describing(sf._describe_state_machine))
    sf._update_state_machine = checked(require_update, updating(sf._update_state_machine))
    sf._delete_state_machine = checked(require_machine_arn, deleting(sf._delete_state_machine))
    handlers = provisioners._RESOURCE_HANDLERS[RESOURCE]
    handlers["create"] = created_from_template(handlers["create"])


def require_machine_arn(request: Members) -> None:
    require_arn(request.get("stateMachineArn"))


def require_creation(request: Members) -> None:
    if "versionDescription" in request and not request.get("publish"):
        raise RefusedError("ValidationException", "Version description can only be set when publish is true")


def require_update(request: Members) -> None:
    require_machine(request)
    if not any(member in request for member in UPDATED):
        raise RefusedError("MissingRequiredParameter", NOTHING_TO_UPDATE)
    require_creation(request)


def creating(create: Handler) -> Handler:
    def create_without_revision(request: Members) -> Response:
        arn = f"arn:aws:states:{sf.get_region()}:{sf.get_account_id()}:stateMachine:{request.get('name')}"
        is_new = arn not in sf._state_machines
        response = create(request)
        answer = json.loads(response[2])
        if response[0] == HTTPStatus.OK and is_new:
            sf._state_machines[arn]["revisionId"] = INITIAL
            if version := answer.get("stateMachineVersionArn"):
                sf._state_machine_versions[version]["stateMachineRevisionId"] = INITIAL
        elif answer.get("__type") == "StateMachineAlreadyExists":
            return RefusedError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'").response()
        return response

    return create_without_revision


def created_from_template(create: Callable[..., tuple[str, Members]]) -> Callable[..., tuple[str, Members]]:
    def create_without_revision(*given: Any) -> tuple[str, Members]:
        arn, attributes = create(*given)
        sf._state_machines[arn]["revisionId"] = INITIAL
        return arn, attributes | {"StateMachineRevisionId": INITIAL}

    return create_without_revision


def updating(update: Handler) -> Handler:
    def update_if_changed(request: Members) -> Response:
        machine: Members = sf._state_machines[request["stateMachineArn"]]
        before = copy.deepcopy(machine)
        unpublished = {name: value for name, value in request.items() if name not in ("publish", "versionDescription")}
        response = update(unpublished)
        if response[0] != HTTPStatus.OK:
            return response
        if {**machine, "revisionId": None} == {**before, "revisionId": None}:
            machine["revisionId"] = before["revisionId"]
        answer = {"updateDate": json.loads(response[2])["updateDate"], **_revision(machine["revisionId"])}
        if request.get("publish"):
            answer |= _published(request)
        return sf.json_response(answer)

    return update_if_changed


def _published(request: Members) -> Members:
    description = {"description": request["versionDescription"]} if "versionDescription" in request else {}
    _, _, body = sf._publish_state_machine_version({"stateMachineArn": request["stateMachineArn"], **description})
    return {"stateMachineVersionArn": json.loads(body)["stateMachineVersionArn"]}


def describing(describe: Handler) -> Handler:
    def describe_what_is_there(request: Members) -> Response:
        status, headers, body = describe(request)
        answer = json.loads(body)
        if status != HTTPStatus.OK:
            arn = request["stateMachineArn"]
            return RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'").response()
        revision = _revision(answer.pop("revisionId", INITIAL))
        if not answer.get("description"):
            answer.pop("description", None)
        return status, headers, json.dumps({"tracingConfiguration": TRACING_OFF} | answer | revision).encode()

    return describe_what_is_there


def _revision(revision: str) -> Members:
    """As answers have it: the first has no id."""
    return {} if revision in (INITIAL, "") else {"revisionId": revision}


def deleting(delete: Handler) -> Handler:
    def delete_if_there(request: Members) -> Response:
        there = request["stateMachineArn"] in sf._state_machines
        return delete(request) if there else sf.json_response({})

    return delete_if_there
