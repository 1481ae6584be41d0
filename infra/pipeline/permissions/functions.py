"""What every function that the stage has is given."""

from collections.abc import Mapping

from infra.functions.permissions import RECORD, Needs, Resources, allow
from infra.pipeline import audit_trail, reprocess, restore, sweeper
from infra.pipeline.permissions import long_videos, moves, states, transform
from infra.ways_in import http_api, request_queue, telemetry
from infra.ways_out import webhook

FAMILIES = (
    states.needs,
    transform.needs,
    long_videos.needs,
    moves.needs,
    sweeper.needs,
    restore.needs,
    reprocess.needs,
    audit_trail.needs,
    http_api.needs,
    request_queue.needs,
    telemetry.needs,
    webhook.needs,
)


def needs_of(resources: Resources) -> Mapping[str, Needs]:
    """By the function's name; also of the container, where the stage has one."""
    families = {name: needs for family in FAMILIES for name, needs in family(resources).items()}
    return families | {"record_failure": _record_failure(resources)}


def _record_failure(resources: Resources) -> Needs:
    return Needs(
        resources.environment("TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS"),
        [
            allow(["states:DescribeExecution", "states:GetExecutionHistory"], resources.executions),
            *resources.publish(),
            allow([*RECORD, "dynamodb:DeleteItem"], resources.table),
        ],
    )
