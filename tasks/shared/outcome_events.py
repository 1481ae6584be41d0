"""EventBridge: one event per outcome of an asset, whose detail is the CloudEvents message that SNS carries as well."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.shared import clients
from workflow.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "sluice"


@dataclass(frozen=True)
class OutcomeBus:
    """The bus of this name, or its ARN."""

    events: "EventBridgeClient"
    name: str

    def put(self, event: Mapping[str, Any]) -> None:
        """PutEvents answers 200 also where it took nothing."""
        entry = {"EventBusName": self.name, "Source": SOURCE, "DetailType": event["type"], "Detail": json.dumps(event)}
        answer = self.events.put_events(Entries=[entry])  # pyright: ignore[reportArgumentType]
        if answer["FailedEntryCount"]:
            (refused,) = answer["Entries"]
            raise TransientError(f"EventBridge refused the event {event['id']}: {refused.get('ErrorMessage')}")


def bus_called(name: str) -> OutcomeBus | None:
    """None where the stage has no bus for outcomes."""
    return OutcomeBus(clients.events(), name) if name else None
