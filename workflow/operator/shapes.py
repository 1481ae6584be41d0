"""What the client tells of assets and executions, and the form that `--json` prints of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.shared.records.model import Record, facts_of, plain
from workflow.history import StateRun
from workflow.operator.uploads import Upload
from workflow.shapes import MadeFile, Pointer


@dataclass(frozen=True)
class Uploaded:
    """A file that is in the ingest bucket now, and the asset that it became."""

    item: Upload
    version_id: str
    asset_id: str


@dataclass(frozen=True)
class Execution:
    """One execution with its states. Times in ISO 8601, `seconds` is None while it runs."""

    name: str
    arn: str
    status: str
    started: datetime
    stopped: datetime | None
    input: Any
    output: Any
    error: str | None
    cause: str | None
    redrives: int
    states: list[StateRun]

    @property
    def seconds(self) -> float | None:
        return seconds_between(self.started, self.stopped)

    def facts(self) -> dict[str, Any]:
        states = [{k: v for k, v in asdict(state).items() if k != "failures"} for state in self.states]
        own = {k: v for k, v in asdict(self).items() if k != "states"}
        return {**own, "seconds": self.seconds, "states": states}


@dataclass(frozen=True, kw_only=True)
class ExecutionLine:
    """An execution as a list tells it, with the key of the asset that it works on."""

    name: str
    status: str
    key: str | None
    asset_id: str | None
    error: str | None
    started: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Version:
    """One of the versions of a key, and whether it is the current one."""

    asset_id: str
    version_id: str
    status: str
    last_modified: str
    current: bool


@dataclass(frozen=True)
class Asset:
    """An asset beside the other versions of its key, the newest first."""

    record: Record
    current: bool
    versions: tuple[Version, ...]

    def facts(self) -> dict[str, Any]:
        versions = [asdict(each) for each in self.versions]
        return {**facts_of(self.record), "current": self.current, "versions": versions}


@dataclass(frozen=True)
class Original:
    """Where an original is: the pointer, and which of the stage's buckets that is."""

    at: Pointer
    place: str

    def facts(self) -> dict[str, Any]:
        return {**plain(self.at), "place": self.place}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an asset, or of an upload (then with its `path`) that no execution ever took up."""

    bucket: str
    key: str
    version_id: str
    asset_id: str
    execution: str | None
    outcome: str
    reason: str | None
    message: str | None
    kind: str | None
    renditions: tuple[MadeFile, ...]
    thumbnails: tuple[MadeFile, ...]
    original: Original
    seconds: float | None
    reused_from: str | None = None
    degraded: str | None = None
    path: Path | None = None

    @property
    def is_well(self) -> bool:
        return self.outcome in {"succeeded", "duplicate"}

    def facts(self) -> dict[str, Any]:
        """The shape that `put --wait --json` prints, and without a path all else that follows an execution."""
        return {
            **({"path": str(self.path)} if self.path else {}),
            "bucket": self.bucket,
            "key": self.key,
            "version_id": self.version_id,
            "asset_id": self.asset_id,
            "execution": self.execution,
            "outcome": self.outcome,
            "reason": self.reason,
            "message": self.message,
            "kind": self.kind,
            "renditions": plain(self.renditions),
            "thumbnails": plain(self.thumbnails),
            "original": self.original.facts(),
            "seconds": self.seconds,
            "reused_from": self.reused_from,
            "degraded": self.degraded,
        }


@dataclass(frozen=True)
class LogLine:
    """A line that a function logged. `said` is what it wrote: JSON of its own, with a `message` at least."""

    time: str
    task: str
    said: dict[str, Any]

    @property
    def level(self) -> str:
        return self.said.get("level", "")

    @property
    def message(self) -> str:
        return self.said.get("message", "")

    def facts(self) -> dict[str, Any]:
        return {"task": self.task, "time": self.time, **self.said}


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None
