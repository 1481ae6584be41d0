"""Settings of what the stage tells of itself, and to whom."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from infra.stages.topic import Problem, Topic

Retention = Literal[
    "ONE_DAY",
    "THREE_DAYS",
    "FIVE_DAYS",
    "ONE_WEEK",
    "TWO_WEEKS",
    "ONE_MONTH",
    "TWO_MONTHS",
    "THREE_MONTHS",
    "FOUR_MONTHS",
    "FIVE_MONTHS",
    "SIX_MONTHS",
    "ONE_YEAR",
    "THIRTEEN_MONTHS",
    "EIGHTEEN_MONTHS",
    "TWO_YEARS",
    "THREE_YEARS",
    "FIVE_YEARS",
    "SIX_YEARS",
    "SEVEN_YEARS",
    "EIGHT_YEARS",
    "NINE_YEARS",
    "TEN_YEARS",
    "INFINITE",
]
"""The names of the CDK's RetentionDays."""
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class ObservabilitySettings(Topic, frozen=True):
    """Logs, and who is notified of alarms: docs/runbook.md."""

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Meta(description="The least severe level that the functions log."),
    ] = "INFO"
    log_retention: Annotated[Retention, Meta(description="How long logs are kept.")] = "TWO_WEEKS"
    alarm_emails: Annotated[
        tuple[str, ...],
        Meta(
            description="Who is notified when an alarm goes off, or when the month will exceed its budget. "
            "Each has to confirm once."
        ),
    ] = ()
    monthly_budget_dollars: Annotated[
        int, Meta(ge=0, description="What the stage may cost in a month before these are notified; 0 for no budget.")
    ] = 0

    def problems(self) -> Iterator[Problem]:
        if wrong := [address for address in self.alarm_emails if not EMAIL.fullmatch(address)]:
            yield "alarm_emails", f"must be e-mail addresses, not {', '.join(wrong)}"
