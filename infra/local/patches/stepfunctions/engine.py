"""Runs executions with an interpreter of our own, which keeps ministack's paths, intrinsics and service calls.

Stock: no MaxDelaySeconds, JitterStrategy, execution TimeoutSeconds or HeartbeatSeconds; retries wait at most 60 s;
States.ALL takes States.Runtime; no size limits; a history without previousEventId, TaskStarted, TaskTimedOut, or the
insides of Map and Parallel; events after the end; a failing branch waits for its siblings; and 150 ms of sleep before
each start. AWS documents all of these in the States Language specification and the API's HistoryEvent.
"""

from infra.local.engine import executions, readers, retries
from infra.local.ministack import stepfunctions as sf


def install() -> None:
    sf._run_execution = run_execution
    sf._error_matches = retries.error_matches
    sf._parse_reader_items = readers.parse_items


def run_execution(arn: str) -> None:
    executions.run(sf._executions[arn])
