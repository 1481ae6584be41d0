"""The ways in beside the ingest bucket, each switched on by a stage's settings: API, queue, topic, telemetry stream."""

from collections.abc import Mapping

from constructs import Construct

from infra.functions.task_function import TaskFunction
from infra.release.versions import Live
from infra.stages.settings import Settings
from infra.ways_in.http_api import CallersApi
from infra.ways_in.notifications import Notifications
from infra.ways_in.request_queue import RequestQueue
from infra.ways_in.telemetry import TelemetryStream


def open_ways_in(
    scope: Construct,
    settings: Settings,
    functions: Mapping[str, TaskFunction],
    live: Live,
) -> dict[str, str]:
    """Make those that the stage has; the outputs by which they are found. What starts executions starts `live`."""
    outputs: dict[str, str] = {}
    if settings.ways_in.http_api:
        live.let_start(functions["api"].function)
        outputs["ApiUrl"] = CallersApi(scope, settings, settings.ways_in.http_api, functions["api"]).url
    if settings.ways_in.request_queue_concurrency:
        live.let_start(functions["intake"].function)
        requests = RequestQueue(scope, functions["intake"].function, at_once=settings.ways_in.request_queue_concurrency)
        outputs |= {"RequestQueueUrl": requests.queue.queue_url, "RequestsDlqUrl": requests.dead_letters.queue_url}
        if settings.ways_in.notification_topic:
            topic = Notifications(scope, requests, partners=settings.ways_in.notification_partners).topic
            outputs["NotificationTopicArn"] = topic.topic_arn
    if settings.ways_in.telemetry_stream:
        telemetry = TelemetryStream(scope, settings, functions["telemetry"].function)
        outputs |= {
            "TelemetryStreamName": telemetry.stream.stream_name,
            "TelemetryDlqUrl": telemetry.dead_letters.queue_url,
        }
    return outputs
