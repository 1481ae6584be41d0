"""Logs and metrics, the one module that knows Powertools. Traces come from the services' own X-Ray switches."""

from collections.abc import Generator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workflow.shapes import Run

logger = Logger()
metrics = Metrics()


def working_for(run: Run, asset_id: str | None = None) -> None:
    """From here on each log line names the execution and, once it is known, the asset."""
    logger.append_keys(
        correlation_id=f"{run.name}/{asset_id}" if asset_id else run.name,
        execution=run.name,
        asset_id=asset_id,
    )


def count(metric: str, value: float = 1) -> None:
    metrics.add_metric(metric, MetricUnit.Count, value)


@contextmanager
def counting() -> Generator[None]:
    """Print at the end what was counted. Powertools' own decorator warns wherever nothing was."""
    try:
        yield
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
