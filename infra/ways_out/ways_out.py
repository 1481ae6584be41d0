"""The ways out beside the topic, by a stage's settings: a bus for outcomes, and a webhook behind it."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping

from aws_cdk import aws_events as events
from constructs import Construct

from infra.functions.task_function import TaskFunction
from infra.stages.settings import Settings
from infra.storage.stack import Storage
from infra.ways_out.webhook import FUNCTION, Webhook

DEFAULT_BUS = "default"


def open_ways_out(
    scope: Construct, settings: Settings, storage: Storage, functions: Mapping[str, TaskFunction]
) -> dict[str, str]:
    """Make those that the stage has and the account has not; the outputs by which they are found."""
    if not settings.ways_out.outcome_bus:
        return {}
    bus = _bus(scope, settings.ways_out.outcome_bus)
    outputs = {"OutcomeBusName": settings.ways_out.outcome_bus}
    if not settings.ways_out.webhook_url:
        return outputs
    webhook = Webhook(scope, settings, storage, functions[FUNCTION].function, bus)
    return outputs | {
        "WebhookSecretArn": webhook.secret.secret_arn,
        "WebhookQueueUrl": webhook.queue.queue_url,
        "WebhookDlqUrl": webhook.dead_letters.queue_url,
    }


def _bus(scope: Construct, name: str) -> events.IEventBus:
    if name == DEFAULT_BUS:
        return events.EventBus.from_event_bus_name(scope, "OutcomeBus", name)
    return events.EventBus(scope, "OutcomeBus", event_bus_name=name, description="Outcomes of assets")
