"""Transform: read the original once, publish its renditions, or take those of an asset with the same content."""

import json
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

import msgspec

from tasks.shared import clients
from tasks.shared.naming import renditions_folder, technical_key
from tasks.shared.objects import Objects
from tasks.shared.publish import publish
from tasks.shared.records import Item, Records
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.work import Original, Recipe, Rendered
from workflow import PIPELINE_VERSION
from workflow.shapes import Asset, MadeFile, Pointer, Previews, Run, Transformed


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    output_bucket: str
    rendition_formats: str
    partition_by: str
    keep_private: bool


@dataclass(frozen=True)
class State:
    """What Transform needs of the state."""

    asset: Asset


settings = from_environment(Settings)
RECIPE = Recipe(
    formats=tuple(settings.rendition_formats.split(",")),
    partition_by=settings.partition_by,
    keep_private=settings.keep_private,
)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name)


@task("transform", State)
def handle(state: State, _run: Run) -> Transformed:
    asset = state.asset
    kind = import_module(f"tasks.transform.{asset.kind}")
    name = PurePosixPath(asset.key).name
    recipe = f"{PIPELINE_VERSION}-{kind.recipe_name(name, RECIPE)}"
    with tempfile.TemporaryDirectory() as folder:
        path, scratch = Path(folder) / "original", Path(folder) / "made"
        scratch.mkdir()
        sha256 = objects.download(asset.source, path, asset.size)
        earlier = reused(asset, sha256, recipe)
        return earlier or made(
            asset, sha256, recipe, kind.transform(Original(path, name, asset.media_type, scratch), RECIPE)
        )


def made(asset: Asset, sha256: str, recipe: str, rendered: Rendered) -> Transformed:
    """Publish what the kind's module made."""
    technical = Pointer(bucket=settings.output_bucket, key=technical_key(asset.id))
    objects.put(technical.bucket, technical.key, json.dumps(rendered.technical).encode(), "application/json")
    return Transformed(
        sha256=sha256,
        recipe=recipe,
        renditions=publish(rendered.files, settings.output_bucket, renditions_folder(asset.id, recipe), objects),
        facts=rendered.facts,
        technical=technical,
    )


def reused(asset: Asset, sha256: str, recipe: str) -> Transformed | None:
    """What an earlier asset with the same bytes already has, if all of it is still there."""
    twins = (record for record in records.with_content(sha256, recipe) if record["asset_id"] != asset.id)
    return next((found for found in map(_taken_over, twins) if found and _all_there(found)), None)


def _taken_over(twin: Item) -> Transformed | None:
    if twin.get("degraded"):
        return None
    return Transformed(
        sha256=twin["sha256"],
        recipe=twin["recipe"],
        renditions=msgspec.convert(twin["renditions"], tuple[MadeFile, ...]),
        facts=twin["facts"],
        technical=msgspec.convert(twin["technical"], Pointer),
        reused_from=twin["asset_id"],
        previews=Previews(
            files=msgspec.convert(twin["thumbnails"], tuple[MadeFile, ...]),
            thumbhash=twin["thumbhash"],
            dominant_color=twin["dominant_color"],
        ),
    )


def _all_there(found: Transformed) -> bool:
    files = (*found.renditions, *(found.previews.files if found.previews else ()), found.technical)
    return all(objects.head(Pointer(bucket=file.bucket, key=file.key)) for file in files)
