"""StoreMetadata: everything that is known of the asset goes into a sidecar and, in short, into its record.

The record comes last, and says that the asset has succeeded: all that it lists is there.
"""

import json
from dataclasses import dataclass, field

import msgspec

from tasks.shared import clients
from tasks.shared.catalog import Catalog, TechnicalFacts, datasets
from tasks.shared.naming import sidecar_key
from tasks.shared.objects import Objects
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import GlueTable, Learnt, plain
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow import PIPELINE_VERSION
from workflow.shapes import Asset, CaughtError, Pointer, Previews, Run, Stored, Transformed, dump


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    output_bucket: str
    glue_database: str = ""


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
    learnt, technical = learnt_of(state, sidecar), objects.read(state.transform.technical)
    records.assets.must_be_of(state.asset.id, run)
    current = records.current.advance(state.asset)
    everything = dump(state.asset) | dump(learnt) | {"execution_arn": run.arn, "technical": json.loads(technical)}
    tables = None
    if current and settings.glue_database and state.asset.kind == "table":
        tables = in_catalog(state, msgspec.json.decode(technical, type=TechnicalFacts))
        everything["glue_tables"] = plain(tables)
    objects.put(sidecar.bucket, sidecar.key, json.dumps(everything, indent=2).encode(), "application/json")
    records.assets.succeed(state.asset.id, run, learnt, tables)
    return Stored(sidecar=sidecar, current=current)


def in_catalog(state: State, technical: TechnicalFacts) -> tuple[GlueTable, ...]:
    """The Glue tables that now show this asset; the record names them."""
    catalog = Catalog(clients.glue(), settings.glue_database)
    return tuple(catalog.register(state.asset, each) for each in datasets(state.transform, technical))


def learnt_of(state: State, sidecar: Pointer) -> Learnt:
    """The part of the record that this execution found out."""
    made, previews = state.transform, state.thumbnail
    return Learnt(
        kind=state.asset.kind,
        media_type=state.asset.media_type,
        notes=state.asset.notes,
        sha256=made.sha256,
        recipe=made.recipe,
        renditions=made.renditions,
        facts=made.facts,
        technical=made.technical,
        reused_from=made.reused_from,
        thumbnails=previews.files if previews else (),
        thumbhash=previews.thumbhash if previews else None,
        dominant_color=previews.dominant_color if previews else None,
        degraded=f"No thumbnails: {state.thumbnail_error.message}" if state.thumbnail_error else None,
        timings=state.timings,
        sidecar=sidecar,
        pipeline_version=PIPELINE_VERSION,
    )
