"""DescribeStateMachine, DeleteStateMachine and UpdateStateMachine refuse and take what AWS does.

Stock refuses to delete what is not there, takes an update of nothing, and knows no invalid ARN.
AWS: recorded in test_sfn_api::test_delete_nonexistent_sm, test_describe_invalid_arn_sm and
test_create_update_state_machine_base_update_none, 08-08-2023
"""

from collections.abc import Callable

from infra.local.engine.api import Members, RefusedError, Response, require_arn
from infra.local.ministack import stepfunctions as sf

UPDATED = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
NOTHING_TO_UPDATE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
)

Handler = Callable[[Members], Response]


def install() -> None:
    sf._describe_state_machine = of_an_arn(sf._describe_state_machine)
    sf._update_state_machine = of_an_arn(of_something(sf._update_state_machine))
    sf._delete_state_machine = of_an_arn(deleting(sf._delete_state_machine))


def of_an_arn(handle: Handler) -> Handler:
    def check_and_handle(request: Members) -> Response:
        try:
            require_arn(request.get("stateMachineArn"))
        except RefusedError as refusal:
            return refusal.response()
        return handle(request)

    return check_and_handle


def of_something(update: Handler) -> Handler:
    def check_and_update(request: Members) -> Response:
        if not any(member in request for member in UPDATED):
            return RefusedError("MissingRequiredParameter", NOTHING_TO_UPDATE).response()
        return update(request)

    return check_and_update


def deleting(delete: Handler) -> Handler:
    def delete_if_there(request: Members) -> Response:
        there = request["stateMachineArn"] in sf._state_machines
        return delete(request) if there else sf.json_response({})

    return delete_if_there
