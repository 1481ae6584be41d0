"""The alarms: only on what a person must act on. What each means, and which command fixes it, is in docs/runbook.md."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.observability.measures import PERIOD, Measures
from infra.observability.runbook import alarm_name, described
from infra.stages.settings import Settings
from workflow.errors import explanations
from workflow.limits import functions_of

HOUR = cdk.Duration.hours(1)
OLDEST_SECONDS = 3600
"""Four rounds of the sweeper: it should have started that file long ago."""
THROTTLED_PERIODS = 6
"""Half an hour: what a burst meets for less, the retries outlast."""
FAILING_PERIODS = 2
ANOMALY_PERIODS = 6
BAND_DEVIATIONS = 3
"""About one in a thousand periods lies outside by chance; six in a row do not."""
PERCENTILE = "p90"
LATENCY_ANOMALY = "transform-latency-anomaly"


class Alarms(Construct):
    """All of a stage, `failures` included, which is made where deployments are watched."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        measures: Measures,
        topic: sns.Topic,
        failures: cloudwatch.Alarm,
    ) -> None:
        super().__init__(scope, "All")
        self._settings = settings
        self._measures = measures
        self.all = [
            failures,
            *self._of_dead_letters(),
            *self._of_the_sweeper(),
            *self._of_errors(),
            self._of_throttles(),
            *self._of_apis(),
            *self._of_durations(),
        ]
        for alarm in self.all:
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _of_dead_letters(self) -> list[cloudwatch.Alarm]:
        return [
            self._above(
                f"dead-letters-{queue}", self._measures.dead(queue), f"The dead-letter queue {queue} has messages"
            )
            for queue in self._measures.dead_letters
        ]

    def _of_the_sweeper(self) -> list[cloudwatch.Alarm]:
        ours = self._measures.ours
        return [
            self._above("unprocessed-uploads", ours("UnprocessedUploads", period=HOUR), "Uploads started no execution"),
            self._above("sweeper-errors", ours("SweeperErrors", period=HOUR), "AWS refused what the sweeper tried"),
            self._above(
                "oldest-unprocessed",
                ours("OldestUnprocessedSeconds", "max", period=HOUR),
                "A file has waited for more than an hour",
                threshold=OLDEST_SECONDS,
            ),
        ]

    def _of_errors(self) -> list[cloudwatch.Alarm]:
        """On those of which one is too many."""
        return [
            self._above(each.alert.alarm, self._measures.ours(each.alert.metric), each.means.partition(".")[0])
            for each in explanations()
            if each.alert
        ]

    def _of_throttles(self) -> cloudwatch.Alarm:
        return self._above(
            "throttled",
            self._measures.throttled,
            "Functions have been throttled for half an hour",
            periods=THROTTLED_PERIODS,
        )

    def _of_apis(self) -> list[cloudwatch.Alarm]:
        return [
            self._above(
                "api-errors",
                api.metric_server_error(statistic="sum", period=PERIOD),
                "The HTTP API answers with server errors",
                periods=FAILING_PERIODS,
            )
            for api in self._measures.apis
        ]

    def _of_durations(self) -> list[cloudwatch.Alarm]:
        return [self._latency_anomaly(function) for function in functions_of("transform")]

    def _latency_anomaly(self, function: str) -> cloudwatch.Alarm:
        """Learns for two weeks what is usual at which hour of which day."""
        name = function.replace("transform_", f"{LATENCY_ANOMALY}-")
        return cloudwatch.AnomalyDetectionAlarm(
            self,
            name,
            alarm_name=self._named(name),
            alarm_description=described(LATENCY_ANOMALY, f"{function} takes longer than it usually does"),
            metric=self._measures.duration(function, PERCENTILE),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD,
            std_devs=BAND_DEVIATIONS,
            evaluation_periods=ANOMALY_PERIODS,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _above(
        self, name: str, metric: cloudwatch.IMetric, means: str, *, threshold: float = 0, periods: int = 1
    ) -> cloudwatch.Alarm:
        """Goes off above the threshold in each of so many periods. Where nothing is measured, nothing happened."""
        return cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._named(name),
            alarm_description=described(name, means),
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _named(self, name: str) -> str:
        return alarm_name(self._settings, name)
