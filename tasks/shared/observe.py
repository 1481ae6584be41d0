"""Logs and metrics, the one module that knows Powertools. Traces come from the services' own X-Ray switches.

Where the work is done by a command instead of a function, standard output belongs to what the command prints.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workflow.shapes import Run

logger = Logger(stream=sys.stdout if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else sys.stderr)
metrics = Metrics()
_is_invoked: ContextVar[bool] = ContextVar("is_invoked", default=False)


def working_for(run: Run, asset_id: str | None = None) -> None:
    """From here on each log line names the execution and, once it is known, the asset."""
    logger.append_keys(
        correlation_id=f"{run.name}/{asset_id}" if asset_id else run.name,
        execution=run.name,
        asset_id=asset_id,
    )


def count(metric: str, value: float = 1) -> None:
    """For the function that is invoked; a command, such as `up` when it recovers, measures nothing."""
    if _is_invoked.get():
        metrics.add_metric(metric, MetricUnit.Count, value)


@contextmanager
def counting() -> Generator[None]:
    """Print at the end what was counted. Powertools' own decorator warns wherever nothing was."""
    token = _is_invoked.set(True)
    try:
        yield
    finally:
        _is_invoked.reset(token)
        if metrics.metric_set:
            metrics.flush_metrics()
