"""Settings of the Lambda functions themselves; their memory and time are in workflow/limits.py."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

from infra.stages.topic import Problem, Topic
from workflow.limits import FUNCTIONS

SCHEDULE = re.compile(r"cron\(\S+( \S+){5}\)")
Count = Annotated[int, Meta(ge=1)]


class ProvisionedConcurrency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Environments that stand ready at certain times: without a cold start, and paid.

    The times are expressions of Application Auto Scaling's, such as "cron(0 8 ? * MON-FRI *)".
    """

    functions: Annotated[Mapping[str, Count], Meta(description="How many environments of which function.")]
    from_: Annotated[str, Meta(description='When they start to be ready, such as "cron(0 8 ? * MON-FRI *)".')] = field(
        name="from"
    )
    to: Annotated[str, Meta(description="When that ends.")]
    timezone: Annotated[str, Meta(description="The time zone of both times.")] = "Etc/UTC"


class FunctionSettings(Topic, frozen=True):
    """Concurrency and caches of the functions."""

    concurrency: Annotated[
        Mapping[str, Count],
        Meta(
            description="How many executions are reserved for which function: no more run at once, and no other "
            "function takes them. A new account has ten in total."
        ),
    ] = field(default_factory=dict[str, int])
    provisioned_concurrency: Annotated[
        ProvisionedConcurrency | None,
        Meta(
            description="Environments that are kept ready at certain times. "
            "See docs/deploying.md#provisioned-concurrency.",
            examples=[
                {
                    "functions": {"validate": 5, "transform_image": 10},
                    "from": "cron(0 8 ? * MON-FRI *)",
                    "to": "cron(0 18 ? * MON-FRI *)",
                }
            ],
        ),
    ] = None
    live_settings_cache_ttl_seconds: Annotated[
        int,
        Meta(
            ge=1,
            description="How long a function uses the live settings that it last read. "
            "See docs/operating.md#live-settings.",
        ),
    ] = 60

    def problems(self) -> Iterator[Problem]:
        if unknown := sorted(set(self.concurrency) - set(FUNCTIONS)):
            yield "concurrency", f"names unknown functions: {', '.join(unknown)}"
        if self.provisioned_concurrency:
            for problem in self._provisioned_problems(self.provisioned_concurrency):
                yield "provisioned_concurrency", problem

    def _provisioned_problems(self, wanted: ProvisionedConcurrency) -> Iterator[str]:
        if unknown := sorted(set(wanted.functions) - set(FUNCTIONS)):
            yield f"names unknown functions: {', '.join(unknown)}"
        for function, ready in wanted.functions.items():
            reserved = self.concurrency.get(function, ready)
            if ready > reserved:
                yield f"must have no more of {function} than the {reserved} that are reserved for it, not {ready}"
        if not all(SCHEDULE.fullmatch(each) for each in (wanted.from_, wanted.to)):
            yield "needs times as cron(…), of six fields"
