"""The ways out beside the topic, each switched on by a stage's settings: events of outcomes on a bus of their own."""

from aws_cdk import aws_events as events
from constructs import Construct

from infra.settings import Settings

DEFAULT_BUS = "default"


def open_ways_out(scope: Construct, settings: Settings) -> dict[str, str]:
    """Make those that the stage has and the account has not; the stack's outputs about them."""
    if settings.outcome_bus not in {"", DEFAULT_BUS}:
        events.EventBus(scope, "OutcomeBus", event_bus_name=settings.outcome_bus, description="Outcomes of assets")
    return {"OutcomeBusName": settings.outcome_bus} if settings.outcome_bus else {}
