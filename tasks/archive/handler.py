"""Archive: the original moves to the archive bucket; it is removed from where it was once its copy is proven."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from tasks.shared import clients
from tasks.shared.move import moved
from tasks.shared.objects import Objects
from tasks.shared.observe import count
from tasks.shared.records.adapter import Records
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow.limits import SMALLEST_COLD_BYTES
from workflow.shapes import Archived, Asset, Pointer, Run, Transformed


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    archive_bucket: str
    archive_storage_class: str


@dataclass(frozen=True)
class State:
    """What Archive needs of the state; `timings` in milliseconds."""

    asset: Asset
    transform: Transformed
    timings: dict[str, int]


settings = from_environment(Settings)
objects = Objects(clients.copying_s3())
records = Records(clients.dynamodb(), settings.table_name)


@task("archive", State)
def handle(state: State, run: Run) -> Archived:
    records.claims.take(state.asset.id, run, delivery=False)  # a redriven execution has lost its claim
    with archived(state.asset, state.transform.sha256) as original:
        records.assets.finish(state.asset.id, run, "succeeded", original=original, timings=state.timings)
    records.claims.keep(state.asset.id, run)
    count("AssetsSucceeded")
    return Archived(original=original)


@contextmanager
def archived(asset: Asset, sha256: str) -> Generator[Pointer]:
    """The original in the archive; a reprocessed one may be there already."""
    if asset.source.bucket == settings.archive_bucket:
        yield asset.source
        return
    with moved(
        asset.source,
        bucket=settings.archive_bucket,
        storage_class=settings.archive_storage_class if asset.size >= SMALLEST_COLD_BYTES else "STANDARD",
        key=asset.key,
        asset_id=asset.id,
        sha256=sha256,
        objects=objects,
    ) as original:
        yield original
