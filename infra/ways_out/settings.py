"""Settings of the ways out beside the topic."""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from infra.stages.topic import Problem, Topic
from infra.ways_out.webhook_address import address_problems

EVENT_BUS = re.compile(r"[A-Za-z0-9._-]{1,256}")


class WaysOutSettings(Topic, frozen=True):
    """Who is told of outcomes, beside the subscribers of the topic: docs/notifications.md."""

    outcome_bus: Annotated[
        str,
        Meta(
            description='The event bus that gets an event per outcome: "default", or the name of one that is made; '
            "empty for none."
        ),
    ] = ""
    webhook_url: Annotated[
        str, Meta(description="The address that gets an HTTPS request per outcome; empty for no webhook.")
    ] = ""
    webhook_paused: Annotated[bool, Meta(description="All of the webhook is made, and nothing is sent.")] = False

    def problems(self) -> Iterator[Problem]:
        if self.outcome_bus and not EVENT_BUS.fullmatch(self.outcome_bus):
            yield "outcome_bus", f"must have letters, digits and any of '._-' only, not {self.outcome_bus!r}"
        if self.webhook_url and not self.outcome_bus:
            yield "webhook_url", "needs an outcome_bus, which tells it"
        if self.webhook_paused and not self.webhook_url:
            yield "webhook_paused", "needs a webhook_url"

    def address_problems(self, *, on_a_laptop: bool) -> Iterator[Problem]:
        """What is wrong with the webhook's address there."""
        if self.webhook_url:
            for problem in address_problems(self.webhook_url, on_a_laptop=on_a_laptop):
                yield "webhook_url", f"{problem}, not {self.webhook_url!r}"
