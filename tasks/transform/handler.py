"""Transform: read the original once, publish its renditions, or take those of an asset with the same content.

A kind's module may also have `check`, for what is decided by ranged reads before anything is downloaded, `prove`, which
raises ResultNotProven where what was made does not agree with the original, and `members`, for files inside that become
assets of their own. That nothing private is published is proven for every kind, by `tasks.shared.published`.
"""

import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from tasks.shared import clients
from tasks.shared.expand import WayIn
from tasks.shared.objects import Objects
from tasks.shared.outcomes import Outcomes
from tasks.shared.records.adapter import Records
from tasks.shared.renditions import Renditions, with_facts
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.shared.work import Original, Recipe
from workflow import PIPELINE_VERSION
from workflow.errors import BigFile
from workflow.kinds import KINDS, is_big
from workflow.shapes import Asset, Run, Transformed


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    output_bucket: str
    rendition_formats: str
    partition_by: str
    publish_private_metadata: bool
    long_video_cpu_seconds: float = 0
    expanded_bucket: str = ""
    old_indexes: str = ""


@dataclass(frozen=True)
class State:
    """What Transform needs of the state; `big_file` once a container has done the work."""

    asset: Asset
    big_file: dict[str, str] | None = None


settings = from_environment(Settings)
RECIPE = Recipe(
    formats=tuple(settings.rendition_formats.split(",")),
    partition_by=settings.partition_by,
    publish_private=settings.publish_private_metadata,
)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name, settings.old_indexes)
renditions = Renditions(settings.output_bucket, objects, settings.publish_private_metadata)
way_in = WayIn(settings.expanded_bucket, objects, records)
outcomes = Outcomes(settings.output_bucket, objects)


@task("transform", State)
def handle(state: State, run: Run) -> Transformed:
    asset = state.asset
    if state.big_file:
        return outcomes.read(asset.id, run.name)
    if is_big(KINDS[asset.kind], asset.size):
        raise BigFile(f"The {asset.kind} has {asset.size:,} bytes: a container does what no function can.")
    return transformed(asset)


def transformed(asset: Asset) -> Transformed:
    """Everything made of an asset; raises a RejectedError or, for what is done in parts, LongVideo."""
    kind: Any = import_module(f"tasks.transform.{asset.kind}")
    if hasattr(kind, "check"):
        kind.check(objects.open(asset.source, asset.size), asset.size, settings.long_video_cpu_seconds)
    name = PurePosixPath(asset.key).name
    recipe = f"{PIPELINE_VERSION}-{kind.recipe_name(name, RECIPE)}"
    with tempfile.TemporaryDirectory() as folder:
        path, scratch = Path(folder) / "original", Path(folder) / "made"
        scratch.mkdir()
        sha256 = objects.download(asset.source, path, asset.size)
        reused = renditions.of_same_content(asset, sha256, recipe, records)
        if reused:
            return reused
        original = Original(path, name, asset.media_type, scratch)
        rendered = kind.transform(original, RECIPE)
        if hasattr(kind, "prove"):
            kind.prove(original, rendered, RECIPE)
        with path.open("rb") as stream:
            made = renditions.published(asset, sha256, recipe, rendered, stream)
        if not hasattr(kind, "members"):
            return made
        return with_facts(made, children=way_in.expand(asset, kind.members(path, depth=asset.depth + 1), scratch))
