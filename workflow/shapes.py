"""The shapes that travel between states: pointers and small facts, never content.

Every task gets `{"run": Run, "state": State}`; what it returns is put into the state under its own name.
"""

from typing import Any, TypeVar

import msgspec

from workflow.errors import InputError


T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all shapes: immutable, named fields only, absent where default."""


class Pointer(Shape):
    """Where one version of an object is."""

    bucket: str
    key: str
    version_id: str | None = None
    storage_class: str = "STANDARD"


class ExecutionInput(Shape):
    """What starts an execution: `bucket` and `key` are enough by hand, EventBridge fills in the rest.

    `key` is raw, not URL-encoded. `sequencer` is S3's order of events for one key, in hexadecimal.
    """

    bucket: str
    key: str
    version_id: str | None = None
    size: int | None = None
    etag: str | None = None
    sequencer: str | None = None
    event_id: str | None = None
    trigger: str = "manual"


class Run(Shape):
    """The execution a task works for."""

    arn: str
    name: str
    started: str


class Asset(Shape):
    """One version of one uploaded object, as Validate found it. `size` in bytes, times in ISO 8601."""

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
    ms: int = 0


class MadeFile(Shape):
    """A file that Sluice made. `name` is predictable ("web", "256"); sizes in bytes and pixels."""

    name: str
    bucket: str
    key: str
    content_type: str
    bytes: int
    width: int
    height: int
    sha256: str


class Previews(Shape):
    """Thumbnails, smallest first; `thumbhash` is base64, `dominant_color` is #rrggbb."""

    files: tuple[MadeFile, ...]
    thumbhash: str
    dominant_color: str
    ms: int = 0


class Transformed(Shape):
    """What Transform made of the original, and the small facts it learnt while it had it open.

    `sha256` is of the original's bytes. With `reused_from`, renditions and previews are those of an
    earlier asset with the same content. `technical` points to the full dump (every EXIF tag).
    """

    sha256: str
    renditions: tuple[MadeFile, ...]
    facts: dict[str, Any]
    technical: Pointer
    reused_from: str | None = None
    previews: Previews | None = None
    ms: int = 0


class Stored(Shape):
    """The sidecar with everything that is known of the asset, and whether this is the key's newest version."""

    sidecar: Pointer
    current: bool
    ms: int = 0


class Notified(Shape):
    """The CloudEvents id that was announced; the same outcome always has the same id."""

    event_id: str
    ms: int = 0


class Archived(Shape):
    """Where the original is now, after its verified copy."""

    original: Pointer
    ms: int = 0


class Quarantined(Shape):
    """Why the file was rejected and where the original is now; becomes the execution's Error and Cause."""

    code: str
    message: str
    original: Pointer
    ms: int = 0


class CaughtError(Shape, rename="pascal"):
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


class State(Shape):
    """What an execution knows so far. Only `asset` is always there behind Validate."""

    asset: Asset
    transform: Transformed | None = None
    thumbnail: Previews | None = None
    thumbnail_error: CaughtError | None = None
    store: Stored | None = None
    notify: Notified | None = None


def parse(data: Any, shape: type[T]) -> T:
    """Check `data` against `shape`; an InputError names the field that is wrong."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as exc:
        raise InputError(f"The input does not fit {shape.__name__}: {exc}.") from exc


def dump(shape: Shape) -> dict[str, Any]:
    """The JSON form of a shape."""
    return msgspec.to_builtins(shape)
