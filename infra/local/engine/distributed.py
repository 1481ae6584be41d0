"""The Distributed Map state: a Map Run, whose child executions each take an item or a batch of items.

Stock knows no ItemBatcher and no ResultWriter, has no Map Run events, lets the children run on when their parent is
stopped, and would redrive all of them; AWS redrives those that did not succeed.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.engine.history import ExecutionEndedError, Record, end_execution, to_text
from infra.local.engine.readers import limit_of
from infra.local.engine.records import begin, described, new_record, renew
from infra.local.engine.retries import RUNTIME_ERROR
from infra.local.engine.scope import Scope, State
from infra.local.engine.workers import as_ended
from infra.local.ministack import s3
from infra.local.ministack import stepfunctions as sf

# AWS runs up to 10,000 children at once; here each is a thread.
CONCURRENCY_LIMIT = 64
ALL_PERCENT = 100
THRESHOLD_ERROR = "States.ExceedToleratedFailureThreshold"
THRESHOLD_CAUSE = "The specified tolerated failure threshold was exceeded"
COUNTED_AS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
UNUSED_COUNTS = ("resultsWritten", "failuresNotRedrivable", "pendingRedrive")
COUNTS = (*COUNTED_AS.values(), "pending", "running", "total", *UNUSED_COUNTS)
RESULT_KINDS: dict[str, Callable[[str], bool]] = {
    "FAILED": lambda status: status not in ("SUCCEEDED", "RUNNING"),
    "PENDING": lambda status: status == "RUNNING",
    "SUCCEEDED": lambda status: status == "SUCCEEDED",
}

Inputs = Sequence[tuple[int, Any]]
"""For each child, how many items it takes, and its input."""


class MapRun:
    """A Map Run as DescribeMapRun shows it in `view`, and the records of its child executions."""

    def __init__(self, scope: Scope, view: dict[str, Any], records: Sequence[Record] | None = None) -> None:
        """Without `records` it is not known yet what there is to do."""
        self.view = view
        self.is_filled = records is not None
        self.children = [Child(record, self) for record in records or ()]
        self._carry = scope.run.carry
        self._lock = threading.Lock()

    def take(self, records: Sequence[Record]) -> None:
        self.is_filled = True
        self.children = [Child(record, self) for record in records]
        self.view |= _counts(records)

    def carry(self, record: Record) -> None:
        self._count(record, "pending", "running")
        self._carry(record)
        self._count(record, "running", COUNTED_AS[record["status"]])

    def end(self, status: str) -> None:
        for child in self.children:
            child.cancel()
        with self._lock:
            for counts in (self.view["itemCounts"], self.view["executionCounts"]):
                counts["aborted"] += counts["pending"]
                counts["pending"] = 0
        self.view |= {"status": status, "stopDate": sf.now_iso()}

    def renew(self) -> None:
        """Sets the children that did not succeed running again."""
        for child in self.children:
            if child.record["status"] != "SUCCEEDED":
                renew(child.record, None)
        self.view |= _counts([child.record for child in self.children])
        self.view |= {"status": "RUNNING", "redriveCount": self.view["redriveCount"] + 1, "redriveDate": sf.now_iso()}
        self.view.pop("stopDate", None)

    def _count(self, record: Record, before: str, after: str) -> None:
        with self._lock:
            for counts, amount in ((self.view["itemCounts"], record["itemCount"]), (self.view["executionCounts"], 1)):
                counts[before] -= amount
                counts[after] += amount


class Child:
    """The worker that carries one child execution to its end."""

    def __init__(self, record: Record, map_run: MapRun) -> None:
        self.record = record
        self._map_run = map_run

    def run(self) -> None:
        if self.record["status"] == "RUNNING":
            self._map_run.carry(self.record)

    def cancel(self) -> None:
        end_execution(self.record, "ABORTED")


def batched(inputs: Sequence[Any], batcher: dict[str, Any] | None, batch_input: Any) -> Iterator[tuple[int, Any]]:
    if batcher is None:
        yield from ((1, item) for item in inputs)
        return
    longest = batcher.get("MaxItemsPerBatch") or len(inputs)
    largest = batcher.get("MaxInputBytesPerBatch") or float("inf")
    batch: list[Any] = []
    for item in inputs:
        if batch and (len(batch) == longest or len(_batch_text([*batch, item], batch_input)) > largest):
            yield len(batch), _batch(batch, batch_input)
            batch = []
        batch.append(item)
    if batch:
        yield len(batch), _batch(batch, batch_input)


def _batch(items: list[Any], batch_input: Any) -> dict[str, Any]:
    return {"Items": items} if batch_input is None else {"BatchInput": batch_input, "Items": items}


def _batch_text(items: list[Any], batch_input: Any) -> bytes:
    return to_text(_batch(items, batch_input)).encode()


def run_map(scope: Scope, state: State, processor: dict[str, Any], read_inputs: Callable[[], Inputs]) -> Any:
    """The outputs of all children, or where the ResultWriter put them.

    An ItemReader reads once the Map Run is there: its failure is the Map Run's.
    """
    map_run, inputs = _resumed(scope), None
    if map_run is None:
        inputs = None if "ItemReader" in state else read_inputs()
        map_run = _started(scope, state, inputs or ())
    try:
        if not map_run.is_filled:
            _fill(scope, processor, map_run, read_inputs() if inputs is None else inputs)
        _finish(scope, state, map_run)
    except StateError as failure:
        map_run.end("FAILED")
        scope.event("MapRunFailed", error=failure.error, cause=failure.cause)
        raise
    except ExecutionEndedError:
        map_run.end("ABORTED")
        raise
    map_run.end("SUCCEEDED")
    scope.event("MapRunSucceeded")
    scope.aside("MapStateSucceeded")
    return _written(scope, state["ResultWriter"], map_run) if "ResultWriter" in state else _outputs(map_run)


def _outputs(map_run: MapRun) -> list[Any]:
    return [json.loads(child.record["output"] or "null") for child in map_run.children]


def _finish(scope: Scope, state: State, map_run: MapRun) -> None:
    scope.branches = map_run.children
    total, failed = map_run.view["itemCounts"]["total"], 0
    concurrency = min(map_run.view["maxConcurrency"] or CONCURRENCY_LIMIT, CONCURRENCY_LIMIT)
    unfinished = [child for child in map_run.children if child.record["status"] == "RUNNING"]
    for child in as_ended(unfinished, concurrency, scope):
        scope.check()
        failed += 0 if child.record["status"] == "SUCCEEDED" else child.record["itemCount"]
        if not _tolerated(map_run.view, state, failed, total):
            raise StateError(THRESHOLD_ERROR, THRESHOLD_CAUSE)
    scope.check()


def _tolerated(view: dict[str, Any], state: State, failed: int, total: int) -> bool:
    by_count = failed <= view["toleratedFailureCount"]
    by_share = failed * 100 <= view["toleratedFailurePercentage"] * total
    given = {name.removesuffix("Path") for name in state}
    if "ToleratedFailureCount" not in given and "ToleratedFailurePercentage" in given:
        return by_share
    return by_count and (by_share or "ToleratedFailurePercentage" not in given)


def _started(scope: Scope, state: State, inputs: Inputs) -> MapRun:
    """A Map Run without children; its length is told where it is known."""
    concurrency = scope.whole_number("MaxConcurrency", 0)
    scope.event("MapStateStarted", length=sum(size for size, _ in inputs))
    label = state.get("Label") or sf.new_uuid()
    machine_arn = f"{scope.run.record['stateMachineArn']}/{label}"
    run_arn = f"{machine_arn.replace(':stateMachine:', ':mapRun:')}:{sf.new_uuid()}"
    view: dict[str, Any] = _view(scope, run_arn, concurrency) | _counts(()) | {"_stateMachineArn": machine_arn}
    if "ItemReader" in state:
        limit_of(scope, state["ItemReader"])
    sf._map_runs[run_arn] = view
    scope.keep_branches({"mapRunArn": run_arn, "children": None})
    scope.event("MapRunStarted", mapRunArn=run_arn)
    return MapRun(scope, view)


def _fill(scope: Scope, processor: dict[str, Any], map_run: MapRun, inputs: Inputs) -> None:
    run_arn = map_run.view["mapRunArn"]
    kind = processor["ProcessorConfig"].get("ExecutionType", "STANDARD")
    arn, role = map_run.view["_stateMachineArn"], scope.run.record["roleArn"]
    machine = {"stateMachineArn": arn, "type": kind, "roleArn": role}
    definition = to_text({"QueryLanguage": scope.context["QueryLanguage"], **processor})
    map_run.take([_child(machine, definition, run_arn, *one) for one in inputs])
    children = [child.record["executionArn"] for child in map_run.children]
    scope.keep_branches({"mapRunArn": run_arn, "children": children})


def _child(machine: dict[str, Any], definition: str, map_run_arn: str, size: int, given: Any) -> Record:
    name = sf.new_uuid()
    arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{name}"
    members = {"mapRunArn": map_run_arn, "itemCount": size, "silent": True}
    record = new_record(arn, name, machine, definition, to_text(given), **members)
    begin(record)
    return record


def _view(scope: Scope, arn: str, concurrency: int) -> dict[str, Any]:
    return {
        "mapRunArn": arn,
        "executionArn": scope.run.record["executionArn"],
        "status": "RUNNING",
        "startDate": sf.now_iso(),
        "maxConcurrency": concurrency,
        "toleratedFailurePercentage": _tolerated_percentage(scope),
        "toleratedFailureCount": _tolerated_count(scope),
        "redriveCount": 0,
    }


def _tolerated_count(scope: Scope) -> int:
    count = scope.whole_number("ToleratedFailureCount", 0)
    if count < 0:
        raise StateError(RUNTIME_ERROR, "ToleratedFailureCount cannot be negative.")
    return count


def _tolerated_percentage(scope: Scope) -> float:
    percentage = scope.fraction("ToleratedFailurePercentage", 0)
    if not 0 <= percentage <= ALL_PERCENT:
        raise StateError(RUNTIME_ERROR, f"ToleratedFailurePercentage must be between 0 and {ALL_PERCENT}.")
    return percentage


def _counts(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Executions and items by status, before those that are to run have begun."""
    executions, items = Counter[str](), Counter[str]()
    for record in records:
        for name in (COUNTED_AS.get(record["status"], "pending"), "total"):
            executions[name] += 1
            items[name] += record["itemCount"]
    none = dict.fromkeys(COUNTS, 0)
    return {"executionCounts": none | executions, "itemCounts": none | items}


def _resumed(scope: Scope) -> MapRun | None:
    """The Map Run that a redrive goes on with."""
    kept = scope.frame["at"]["branches"]
    if kept is None:
        return None
    view = sf._map_runs[kept["mapRunArn"]]
    children: list[str] | None = kept["children"]
    map_run = MapRun(scope, view, None if children is None else [sf._executions[arn] for arn in children])
    map_run.renew()
    scope.event("MapRunRedriven", mapRunArn=view["mapRunArn"], redriveCount=view["redriveCount"])
    return map_run


def end_interrupted() -> None:
    """Fails the Map Runs that were running when the emulator ended, as their executions and children fail."""
    for view in sf._map_runs.all_values():
        if view["status"] == "RUNNING":
            for counts in (view["itemCounts"], view["executionCounts"]):
                counts["aborted"] += counts["pending"] + counts["running"]
                counts["pending"] = counts["running"] = 0
            view.update(status="FAILED", stopDate=sf.now_iso())


def _written(scope: Scope, writer: dict[str, Any], map_run: MapRun) -> dict[str, Any]:
    """Writes the children's results to S3, as AWS's result files and their manifest."""
    place = sf._resolve_params_obj(writer.get("Parameters") or writer["Arguments"], scope.input, scope.context)
    folder = "/".join(part for part in (place.get("Prefix", "").strip("/"), sf.new_uuid()) if part)
    files = {kind: _result_file(place["Bucket"], folder, kind, map_run) for kind in RESULT_KINDS}
    arn, key = map_run.view["mapRunArn"], f"{folder}/manifest.json"
    manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": arn, "ResultFiles": files}
    _put(place["Bucket"], key, to_text(manifest))
    return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": key}}


def _result_file(bucket: str, folder: str, kind: str, map_run: MapRun) -> list[dict[str, Any]]:
    """Writes the results of one kind, and returns the manifest's entry for them."""
    records = [child.record for child in map_run.children if RESULT_KINDS[kind](child.record["status"])]
    if not records:
        return []
    key, text = f"{folder}/{kind}_0.json", to_text([described(record) for record in records])
    _put(bucket, key, text)
    return [{"Key": key, "Size": len(text.encode())}]


def _put(bucket: str, key: str, text: str) -> None:
    status, _, answer = s3._put_object(bucket, key, text.encode(), {"content-type": "application/json"})
    if status != HTTPStatus.OK:
        raise StateError("States.ResultWriterFailed", bytes(answer).decode())
