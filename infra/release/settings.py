"""Settings of how a deployment reaches those who upload."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from infra.stages.topic import Problem, Topic

MAX_ROLLOUT_MINUTES = 2100
"""The most that CloudFormation takes for one interval: longer than a day and a half no deployment should hang."""


class Rollout(Topic, frozen=True):
    """How new executions move from one version of the state machine to the next: docs/releases.md."""

    how: Annotated[
        Literal["all_at_once", "canary", "linear"],
        Meta(
            description="canary: percentage of them, and the others interval_minutes later; linear: percentage more "
            "every interval_minutes."
        ),
    ] = "all_at_once"
    percentage: Annotated[int, Meta(ge=1, le=99, description="Of new executions, for a canary or each step.")] = 10
    interval_minutes: Annotated[int, Meta(ge=1, description="Until the others, or the next step.")] = 10
    max_failures: Annotated[
        int, Meta(ge=0, description="More failed executions than these in five minutes move all of them back.")
    ] = 3

    @property
    def gradual(self) -> bool:
        return self.how != "all_at_once"

    @property
    def minutes(self) -> int:
        """From the first execution on the new version to the last on the old one."""
        steps = {"all_at_once": 0, "canary": 1, "linear": math.ceil(100 / self.percentage) - 1}
        return steps[self.how] * self.interval_minutes

    def problems(self) -> Iterator[Problem]:
        if self.minutes > MAX_ROLLOUT_MINUTES:
            yield "interval_minutes", f"must let all of it take {MAX_ROLLOUT_MINUTES} minutes, not {self.minutes}"
