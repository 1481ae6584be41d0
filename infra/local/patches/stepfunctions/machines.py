"""DescribeStateMachine, DeleteStateMachine and UpdateStateMachine refuse and take what AWS does.

Stock refuses to delete what is not there, takes an update of nothing, and knows no invalid ARN.
AWS: recorded in test_sfn_api::test_delete_nonexistent_sm, test_describe_invalid_arn_sm and
test_create_update_state_machine_base_update_none, 08-08-2023
"""

from infra.local.engine.api import Handler, Members, RefusedError, Response, checked, require_arn
from infra.local.ministack import stepfunctions as sf

UPDATED = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
NOTHING_TO_UPDATE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
)


def install() -> None:
    sf._describe_state_machine = checked(require_machine_arn, sf._describe_state_machine)
    sf._update_state_machine = checked(require_update, sf._update_state_machine)
    sf._delete_state_machine = checked(require_machine_arn, deleting(sf._delete_state_machine))


def require_machine_arn(request: Members) -> None:
    require_arn(request.get("stateMachineArn"))


def require_update(request: Members) -> None:
    require_machine_arn(request)
    if not any(member in request for member in UPDATED):
        raise RefusedError("MissingRequiredParameter", NOTHING_TO_UPDATE)


def deleting(delete: Handler) -> Handler:
    def delete_if_there(request: Members) -> Response:
        there = request["stateMachineArn"] in sf._state_machines
        return delete(request) if there else sf.json_response({})

    return delete_if_there
