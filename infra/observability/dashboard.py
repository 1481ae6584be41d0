"""The dashboard `sluice-<stage>`: first what may be wrong, then what it costs, then every function's durations."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Callable, Iterable, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.observability.measures import Measures
from infra.observability.runbook import RUNBOOK
from infra.stages.settings import Settings
from workflow.names import stage_name

PERCENTILES = ("p50", "p95", "p99")
WIDTH = 24
IN_A_ROW = 3
SMALL_IN_A_ROW = 4


def dashboard(
    scope: Construct,
    settings: Settings,
    measures: Measures,
    failures: cloudwatch.IMetric,
    alarms: Sequence[cloudwatch.Alarm],
) -> cloudwatch.Dashboard:
    top = cloudwatch.TextWidget(
        markdown=f"# {stage_name(settings.stage)}\n`sluice health` answers in words; "
        f"`{RUNBOOK}` says for each alarm what to do.",
        width=WIDTH,
        height=2,
    )
    status = cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=WIDTH, height=4)
    durations = [_durations(measures, function) for function in measures.functions]
    return cloudwatch.Dashboard(
        scope,
        "Dashboard",
        dashboard_name=stage_name(settings.stage),
        widgets=[
            [top],
            [status],
            *_rows(_overview(measures, failures), IN_A_ROW),
            *_rows(durations, SMALL_IN_A_ROW),
        ],
    )


def _overview(measures: Measures, failures: cloudwatch.IMetric) -> list[cloudwatch.IWidget]:
    ours, executions = measures.ours, measures.executions
    outcomes = [ours("AssetsSucceeded"), ours("AssetsRejected"), failures]
    counted = [
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
    ]
    return [
        _graph("Outcomes", *outcomes, stacked=True),
        _graph("Executions (rejected files end as failed)", *map(executions, counted)),
        _graph("Batches that process again", *map(measures.batches, counted)),
        _graph("Attempts that were retried", measures.retried, measures.throttled),
        _graph("Throttles", *_labelled(measures.throttles, measures.functions)),
        _graph("Age of the oldest unprocessed object, s", ours("OldestUnprocessedSeconds", "max")),
        _graph(
            "Sweeper", *map(ours, ("UnprocessedUploads", "RecordsSettled", "OriginalsInTwoPlaces", "SweeperErrors"))
        ),
        _graph("Dead letters", *_labelled(measures.dead, measures.dead_letters)),
        _graph("Age of the oldest message in a queue, s", *_labelled(measures.age, measures.queues)),
        _graph("Cost of functions and transitions", measures.dollars_per_thousand_files()),
    ]


def _durations(measures: Measures, function: str) -> cloudwatch.GraphWidget:
    lines = _labelled(lambda percentile: measures.duration(function, percentile), PERCENTILES)
    return _graph(f"{function}, ms", *lines, in_a_row=SMALL_IN_A_ROW)


def _labelled(measure: Callable[[str], cloudwatch.Metric], names: Iterable[str]) -> list[cloudwatch.Metric]:
    return [measure(name).with_(label=name) for name in names]


def _graph(
    title: str, *metrics: cloudwatch.IMetric, stacked: bool = False, in_a_row: int = IN_A_ROW
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        stacked=stacked,
        width=WIDTH // in_a_row,
        height=6,
    )


def _rows(widgets: Sequence[cloudwatch.IWidget], in_a_row: int) -> list[list[cloudwatch.IWidget]]:
    return [list(widgets[start : start + in_a_row]) for start in range(0, len(widgets), in_a_row)]
