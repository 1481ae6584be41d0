"""What the HTTP API takes and gives: requests are checked against these shapes, the OpenAPI file is made from them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tasks.shared.records.model import Status
from workflow.kinds import KINDS, MAX_KEY_BYTES
from workflow.shapes import MadeFile, Pointer

MAX_LISTED = 100
DEFAULT_LISTED = 25
MAX_WHY_LETTERS = 500

AssetId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits")]
ExecutionName = Annotated[str, Meta(pattern="^[0-9A-Za-z_.-]{1,80}$")]
KindName = Annotated[str, Meta(pattern=f"^({'|'.join(KINDS)})$")]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY_BYTES,
        pattern="^[^/\\x00-\\x1f\\x7f]+(/[^/\\x00-\\x1f\\x7f]+)*$",
        description="Names between slashes, raw, not URL-encoded",
        examples=["photos/cat.jpg"],
    ),
]
Time = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
        extra_json_schema={"format": "date-time"},
    ),
]
"""Not a datetime: in a query, msgspec would take a number for one as well."""
_OF_OBJECT = ("bucket", "key", "version_id")
SOME, NONE = {"type": "string"}, {"type": "null"}
OneOfBoth = Meta(
    extra_json_schema={
        "oneOf": [
            {
                "required": ["asset_id"],
                "properties": {"asset_id": SOME, "bucket": NONE, "key": NONE, "version_id": NONE},
            },
            {"required": ["bucket", "key"], "properties": {"asset_id": NONE, "bucket": SOME, "key": SOME}},
        ]
    }
)


class Shape(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of an answer: what is not known is left out."""


class Given(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of a request: a field that is not known is a mistake."""


# requests


class NewUpload(Given):
    """A file that the caller wants to upload. With `size` (bytes), exactly that many are accepted."""

    key: Key
    content_type: Annotated[str, Meta(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=255, examples=["image/jpeg"])]
    size: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None


class NewExecution(Given):
    """What to process: an object by bucket and key, wherever its original is now, or an asset that is known.

    `force` starts it although an execution seems to be at work on the asset.
    """

    asset_id: AssetId | None = None
    bucket: Annotated[str, Meta(min_length=3, max_length=63)] | None = None
    key: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    version_id: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    force: bool = False
    why: Annotated[str, Meta(min_length=1, max_length=MAX_WHY_LETTERS)] | None = None


class AssetFilter(Given):
    """Which assets to list, the latest first: all versions of a `key` of the ingest bucket; those whose status changed
    `since`, or of which something was asked, such as a restore.

    `next` comes from the page before; the rest must stay as it was. Nothing is None: "null" is the name of a key.
    """

    status: Status | UnsetType = UNSET
    kind: KindName | UnsetType = UNSET
    key: Annotated[str, Meta(min_length=1, max_length=1024)] | UnsetType = UNSET
    since: Time | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = DEFAULT_LISTED
    next: Annotated[str, Meta(min_length=1, max_length=2048)] | UnsetType = UNSET


class AssetPath(Given):
    asset_id: AssetId


class ExecutionPath(Given):
    execution: ExecutionName


# answers


class UploadForm(Shape):
    """A form to be posted as multipart/form-data, all `fields` first and the file last, before it expires.

    S3 answers with the version id; `asset` lists the assets that became of the key.
    """

    url: str
    fields: dict[str, str]
    expires_at: datetime
    bucket: str
    key: str
    kind: str
    max_bytes: int
    asset: str


class Started(Shape):
    """An execution that was started, or had been started before under the same Idempotency-Key."""

    execution: str


class Reason(Shape):
    """`until` when, at the least, the quarantine keeps what was rejected."""

    code: str
    message: str
    state: str | None = None
    until: str | None = None


class Attempt(Shape):
    """One try at an asset by one execution: what triggered it, who asked for it and why; open without an `outcome`."""

    number: int
    trigger: str
    started_at: str
    execution: str
    execution_arn: str
    event_id: str | None = None
    by: str | None = None
    why: str | None = None
    batch: str | None = None
    outcome: str | None = None
    ended_at: str | None = None


class AssetSummary(Shape):
    """What a list tells of an asset. `size` in bytes, times in ISO 8601."""

    asset_id: str
    status: str
    bucket: str
    key: str
    version_id: str
    size: int
    created_at: str
    updated_at: str
    kind: str | None = None
    media_type: str | None = None
    reason: Reason | None = None
    parent: str | None = None


class UnreadableAsset(Shape):
    """An asset whose record is not as Sluice writes it, and what is wrong with it."""

    asset_id: str
    problem: str


class AssetPage(Shape):
    """A page may be short, or even empty, and still have a `next` one.

    `unreadable` are assets that stand where this page was read, and that nothing else can be told of.
    """

    assets: list[AssetSummary]
    next: str | None = None
    unreadable: list[UnreadableAsset] = []


class Asset(AssetSummary):
    """The whole record. `original` says where the original is now."""

    execution: str | None = None
    sha256: str | None = None
    renditions: list[MadeFile] = []
    thumbnails: list[MadeFile] = []
    thumbhash: str | None = None
    dominant_color: str | None = None
    facts: dict[str, Any] = {}
    original: Pointer | None = None
    degraded: str | None = None
    reused_from: str | None = None
    attempts: list[Attempt] = []


class State(Shape):
    """One visit of a state. `attempts` counts calls of its function, `seconds` is left out while it is at work."""

    name: str
    entered: datetime
    outcome: str
    attempts: int
    seconds: float | None = None
    error: str | None = None
    cause: str | None = None


class Execution(Shape):
    """An execution, and the states that it has entered so far."""

    execution: str
    status: str
    started: datetime
    stopped: datetime | None = None
    redrives: int = 0
    error: str | None = None
    cause: str | None = None
    asset_id: str | None = None
    states: list[State] = []


class GatewayMessage(Shape):
    """What API Gateway itself answers, before or instead of the function."""

    message: str


class ProblemDetails(Shape):
    """RFC 9457. `type` names the problem, `detail` says what to do, `instance` is the request in our logs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
