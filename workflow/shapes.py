"""The shapes that travel between states: pointers and small facts, never content.

Every task gets `{"run": Run, "state": State}`; what it returns is put into the state under its own name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import msgspec

from workflow.errors import InputError

T = TypeVar("T")

UPLOAD = "upload"
TRIGGERS = (UPLOAD, "manual", "reprocess", "redrive", "restore", "release", "sweep")
"""What an attempt at an asset may be started by."""


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """Where one version of an object is."""

    bucket: str
    key: str
    version_id: str | None = None
    storage_class: str = "STANDARD"


class ExecutionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What starts an execution: `bucket` and `key` are enough by hand, EventBridge fills in the rest.

    `key` is raw, not URL-encoded. `sequencer` is S3's order of events for one key, in hexadecimal. Size (bytes) and
    etag are for whoever reads the execution; Validate asks S3. `trigger` is one of TRIGGERS, `by` and `why` are kept
    with the attempt, `batch` names the bulk reprocess that it belongs to.
    """

    bucket: str
    key: str
    version_id: str | None = None
    size: int | None = None
    etag: str | None = None
    sequencer: str | None = None
    event_id: str | None = None
    trigger: str = "manual"
    force: bool = False
    by: str | None = None
    why: str | None = None
    batch: str | None = None
    started_by: str | None = msgspec.field(default=None, name="AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")

    @property
    def is_delivery(self) -> bool:
        """An event, or a copy of its input: what repeats it soon after is no wish to do the work again.

        A person who starts an execution with the input of an earlier one says so with `force`.
        """
        return self.trigger == UPLOAD and not self.force


@dataclass(frozen=True, kw_only=True)
class Run:
    """The execution a task works for."""

    arn: str
    name: str
    started: str


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One version of one uploaded object, as Validate found it. `size` in bytes, times in ISO 8601.

    `functions` are the ARNs of those that serve its kind, by task: the state machine reads there whom to call.
    `parent` is the asset of the archive that it came out of, `depth` how many archives it was in.
    """

    id: str
    bucket: str
    key: str
    version_id: str
    size: int
    etag: str
    last_modified: str
    kind: str
    media_type: str
    source: Pointer
    declared_type: str = ""
    sequencer: str | None = None
    notes: tuple[str, ...] = ()
    attempt: int = 1
    functions: dict[str, str] = field(default_factory=dict[str, str])
    parent: str | None = None
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class MadeFile:
    """A file that Sluice made. `name` is predictable ("web", "256"); sizes in bytes and, where one sees it, pixels."""

    name: str
    bucket: str
    key: str
    content_type: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, kw_only=True)
class Previews:
    """Thumbnails, smallest first; `thumbhash` is base64, `dominant_color` is #rrggbb."""

    files: tuple[MadeFile, ...]
    thumbhash: str
    dominant_color: str


@dataclass(frozen=True, kw_only=True)
class Transformed:
    """What Transform made of the original, and the small facts it learnt while it had it open.

    `sha256` is of the original's bytes, `recipe` names all that decides the output, `technical` points to the full
    dump (every EXIF tag). With `reused_from`, all files are those of an earlier asset with the same content.
    """

    sha256: str
    recipe: str
    renditions: tuple[MadeFile, ...]
    facts: dict[str, Any]
    technical: Pointer
    reused_from: str | None = None
    previews: Previews | None = None


@dataclass(frozen=True, kw_only=True)
class VideoPart:
    """A part of a long video: from key frame to key frame in ticks of its track, or all of its sound."""

    number: int
    start: int | None = None
    end: int | None = None
    sound: bool = False


@dataclass(frozen=True, kw_only=True)
class Split:
    """How a long video is converted: its parts or, with the same content as an earlier file, what is `reused` of it.

    `converted` is where MediaConvert would write, of `width` and `height` in pixels, where a stage has it do so.
    """

    sha256: str
    recipe: str
    parts: tuple[VideoPart, ...]
    width: int | None = None
    height: int | None = None
    converted: str | None = None
    reused: Transformed | None = None


@dataclass(frozen=True, kw_only=True)
class ConvertedPart:
    """A part of a long video that is there, under a name that follows from its number."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The sidecar with everything that is known of the asset, and whether this is the key's newest version."""

    sidecar: Pointer
    current: bool


@dataclass(frozen=True, kw_only=True)
class Notified:
    """The CloudEvents id that was announced; the same outcome always has the same id."""

    event_id: str


@dataclass(frozen=True, kw_only=True)
class Archived:
    """Where the original is now, after its verified copy."""

    original: Pointer


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """Why the file was rejected and where the original is now; becomes the execution's Error and Cause."""

    code: str
    message: str
    original: Pointer


class CaughtError(msgspec.Struct, frozen=True, rename="pascal"):
    """An error as Step Functions hands it to a catcher; `cause` is the function's error as JSON text."""

    error: str
    cause: str = ""

    @property
    def message(self) -> str:
        """The sentence that the function raised, or the whole cause where it is not a function's error."""
        try:
            return msgspec.json.decode(self.cause, type=_FunctionError).errorMessage
        except msgspec.DecodeError:
            return self.cause


class _FunctionError(msgspec.Struct):
    errorMessage: str  # noqa: N815 - AWS's spelling


def parse(data: Any, shape: type[T]) -> T:
    """Check `data` against `shape`; an InputError names the field that is wrong."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as exc:
        raise InputError(f"The input does not fit {shape.__name__}: {exc}.") from exc


def dump(shape: Any) -> dict[str, Any]:
    """The JSON form of a shape; what is not known is left out."""
    return _without_nulls(msgspec.to_builtins(shape))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        value = {name: inner for name, inner in cast("dict[str, Any]", value).items() if inner is not None}
    return map_json(value, _without_nulls)


def map_json(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to each member of an object or array; anything else is returned as it is."""
    if isinstance(value, dict):
        return {name: change(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [change(inner) for inner in cast("list[Any]", value)]
    return value
