"""What is measured of a stage: by AWS, by what the functions count, and by filters on what is logged."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions.task_function import METRICS_NAMESPACE, TaskFunction, service_name
from infra.stages.settings import Settings
from workflow import prices
from workflow.errors import Retries, retried_as
from workflow.ingest import ingest
from workflow.limits import FUNCTIONS

PERIOD = cdk.Duration.minutes(5)
DEAD_LETTERS = ("DeadLetters", "Dlq")
"""How the names of those queues end that nothing reads but a person."""
FAILED_ATTEMPTS = ("TaskFailed", "TaskTimedOut")
THROTTLED = retried_as(Retries.THROTTLED)
RETRIED = [name for group in Retries for name in retried_as(group)]


class Measures:
    """The metrics of one stage."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        functions: Mapping[str, TaskFunction],
        machine: sfn.StateMachine,
        reprocess: sfn.StateMachine,
    ) -> None:
        stack = cdk.Stack.of(scope)
        self._settings = settings
        self._functions = functions
        self._machine = machine
        self._reprocess = reprocess
        queues = [found for found in stack.node.find_all() if isinstance(found, sqs.Queue)]
        self.dead_letters = {_subject(each): each for each in queues if each.node.id.endswith(DEAD_LETTERS)}
        self.queues = {_subject(each): each for each in queues if not each.node.id.endswith(DEAD_LETTERS)}
        self.apis = [api for api in stack.node.find_all() if isinstance(api, apigatewayv2.HttpApi)]
        history = cast("logs.LogGroup", stack.node.find_child("IngestLogs"))
        self.retried = self._attempts(scope, history, "AttemptsRetried", RETRIED)
        self.throttled = self._attempts(scope, history, "AttemptsThrottled", THROTTLED)

    @property
    def functions(self) -> Sequence[str]:
        return tuple(self._functions)

    @property
    def steps(self) -> Sequence[str]:
        """The functions that states call: each call is a state transition."""
        definition = ingest(self._settings.files.long_videos).to_json()
        return [name for name in self._functions if f"${{{name}}}" in definition]

    def ours(self, name: str, statistic: str = "sum", *, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
        """One that the functions count."""
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"service": service_name(self._settings)},
            statistic=statistic,
            period=period,
        )

    def duration(self, function: str, statistic: str) -> cloudwatch.Metric:
        """In milliseconds."""
        return self._functions[function].function.metric_duration(statistic=statistic, period=PERIOD)

    def throttles(self, function: str) -> cloudwatch.Metric:
        return self._functions[function].function.metric_throttles(period=PERIOD)

    def executions(self, name: str) -> cloudwatch.Metric:
        return self._machine.metric(name, statistic="sum", period=PERIOD)

    def batches(self, name: str) -> cloudwatch.Metric:
        """Of those that process many assets again."""
        return self._reprocess.metric(name, statistic="sum", period=PERIOD)

    def dead(self, queue: str) -> cloudwatch.Metric:
        """About how many messages nothing will take any more."""
        letters = self.dead_letters[queue]
        return letters.metric_approximate_number_of_messages_visible(statistic="max", period=PERIOD)

    def age(self, queue: str) -> cloudwatch.Metric:
        """How many seconds the oldest message has waited."""
        return self.queues[queue].metric_approximate_age_of_oldest_message(statistic="max", period=PERIOD)

    def dollars_per_thousand_files(self) -> cloudwatch.MathExpression:
        """What functions and state transitions cost; S3, DynamoDB and logs come on top.

        A call from a state is taken for a transition, as a retry is one too.
        """
        parts = [*self._computing(), self._calling()]
        named = {f"part{position}": part for position, part in enumerate(parts)}
        ended = {"succeeded": self.ours("AssetsSucceeded"), "rejected": self.ours("AssetsRejected")}
        return cloudwatch.MathExpression(
            expression=f"1000 * SUM([{', '.join(named)}]) / SUM([succeeded, rejected])",
            using_metrics={**named, **ended},
            label="dollars per 1,000 files",
            period=cdk.Duration.hours(1),
        )

    def _computing(self) -> list[cloudwatch.MathExpression]:
        """Dollars for the functions' time, one part for each size of memory."""
        by_memory: defaultdict[int, list[cloudwatch.Metric]] = defaultdict(list)
        for function in self._functions:
            by_memory[FUNCTIONS[function].memory_mb].append(self.duration(function, "sum"))
        return [
            _sum(f"ms_{memory_mb}_", metrics, memory_mb / 1024 / 1000 * prices.LAMBDA_GB_SECOND)
            for memory_mb, metrics in by_memory.items()
        ]

    def _calling(self) -> cloudwatch.MathExpression:
        calls = [self._functions[name].function.metric_invocations(period=PERIOD) for name in self.steps]
        return _sum("calls_", calls, prices.LAMBDA_REQUEST + prices.STATE_TRANSITION)

    def _attempts(
        self, scope: Construct, history: logs.LogGroup, name: str, errors: Sequence[str]
    ) -> cloudwatch.Metric:
        """Attempts at a state that ended with one of `errors`, out of the state machine's log."""
        failed = logs.FilterPattern.all(_one_of("$.type", FAILED_ATTEMPTS), _one_of("$.details.error", errors))
        return logs.MetricFilter(
            scope,
            name,
            log_group=history,
            filter_pattern=failed,
            metric_namespace=f"{METRICS_NAMESPACE}/{self._settings.stage}",
            metric_name=name,
        ).metric(statistic="sum", period=PERIOD)


def _one_of(field: str, values: Sequence[str]) -> logs.JsonPattern:
    return logs.FilterPattern.any(*(logs.FilterPattern.string_value(field, "=", value) for value in values))


def _sum(prefix: str, metrics: Sequence[cloudwatch.Metric], factor: float) -> cloudwatch.MathExpression:
    named = {f"{prefix}{position}": metric for position, metric in enumerate(metrics)}
    return cloudwatch.MathExpression(
        expression=f"SUM([{', '.join(named)}]) * {factor:.14f}", using_metrics=named, label=prefix.strip("_")
    )


def _subject(queue: sqs.Queue) -> str:
    """What a queue is about: EventsDlq → events; Requests/DeadLetters and Requests/Queue → requests."""
    *around, name = queue.node.path.split("/")[1:]
    own = re.sub("Queue$|Dlq$|DeadLetters$", "", name)
    return "-".join(re.findall("[A-Z][a-z0-9]*", "".join([*around, own]))).lower()
