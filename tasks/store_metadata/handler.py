"""StoreMetadata: everything that is known of the asset goes into its record and, in full, into a sidecar."""

import json
from dataclasses import dataclass, field

import msgspec

from tasks.shared import clients
from tasks.shared.catalog import Catalog, datasets
from tasks.shared.naming import sidecar_key
from tasks.shared.objects import Objects
from tasks.shared.records import Item, Records
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow import PIPELINE_VERSION
from workflow.shapes import Asset, CaughtError, Pointer, Previews, Run, Stored, Transformed, dump


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    output_bucket: str
    glue_database: str = ""


NOT_ALWAYS_LEARNT = ("degraded", "dominant_color", "glue_tables", "reused_from", "thumbhash")


@dataclass(frozen=True)
class State:
    """What StoreMetadata needs of the state; `timings` in milliseconds."""

    asset: Asset
    transform: Transformed
    thumbnail: Previews | None = None
    thumbnail_error: CaughtError | None = None
    timings: dict[str, int] = field(default_factory=dict[str, int])


settings = from_environment(Settings)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name)


@task("store_metadata", State)
def handle(state: State, run: Run) -> Stored:
    sidecar = Pointer(bucket=settings.output_bucket, key=sidecar_key(state.asset.id))
    learnt = facts_of(state) | {"sidecar": dump(sidecar), "pipeline_version": PIPELINE_VERSION}
    known = technical(state.transform)
    records.learn(state.asset.id, run, learnt, forget=NOT_ALWAYS_LEARNT)
    current = records.advance(state.asset)
    if current and settings.glue_database and state.asset.kind == "table":
        learnt |= in_catalog(state, run, known)
    everything = dump(state.asset) | learnt | {"execution_arn": run.arn, "technical": known}
    objects.put(sidecar.bucket, sidecar.key, json.dumps(everything, indent=2).encode(), "application/json")
    return Stored(sidecar=sidecar, current=current)


def in_catalog(state: State, run: Run, known: Item) -> Item:
    """What the record learns of the Glue tables that now show this asset."""
    catalog = Catalog(clients.glue(), settings.glue_database)
    tables = {"glue_tables": [catalog.register(state.asset, each) for each in datasets(state.transform, known)]}
    records.learn(state.asset.id, run, tables)
    return tables


def facts_of(state: State) -> Item:
    """The part of the record that this execution found out."""
    made = dump(state.transform)
    made.pop("previews", None)
    previews = dump(state.thumbnail) if state.thumbnail else {}
    degraded = {"degraded": f"No thumbnails: {state.thumbnail_error.message}"} if state.thumbnail_error else {}
    return {
        "kind": state.asset.kind,
        "media_type": state.asset.media_type,
        "notes": list(state.asset.notes),
        **made,
        "thumbnails": previews.pop("files", []),
        **previews,
        **degraded,
        "timings": state.timings,
    }


def technical(made: Transformed) -> Item:
    """The full dump, small enough for a sidecar but not for the state."""
    return json.loads(objects.read(made.technical))
