"""SplitVideo: plan the parts of a long video, each a piece of work for one function, and learn its checksum."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from tasks.shared import clients
from tasks.shared.naming import part_key
from tasks.shared.objects import Objects
from tasks.shared.records.adapter import Records
from tasks.shared.renditions import Renditions
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.shared.work import Recipe
from tasks.transform import video
from tasks.transform.video.parts import plan
from tasks.transform.video.probe import examine
from workflow import PIPELINE_VERSION
from workflow.shapes import Asset, Run, Split, VideoPart


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    output_bucket: str
    publish_private_metadata: bool
    old_indexes: str = ""


@dataclass(frozen=True)
class State:
    """What SplitVideo needs of the state."""

    asset: Asset


settings = from_environment(Settings)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name, settings.old_indexes)
renditions = Renditions(settings.output_bucket, objects, settings.publish_private_metadata)


@task("split_video", State)
def handle(state: State, _run: Run) -> Split:
    asset = state.asset
    recipe_name = video.recipe_name(
        PurePosixPath(asset.key).name, Recipe(publish_private=settings.publish_private_metadata)
    )
    recipe = f"{PIPELINE_VERSION}-{recipe_name}"
    sha256 = objects.digest(asset.source, asset.size)
    reused = renditions.of_same_content(asset, sha256, recipe, records)
    return Split(sha256=sha256, recipe=recipe, parts=(), reused=reused) if reused else planned(asset, sha256, recipe)


def planned(asset: Asset, sha256: str, recipe: str) -> Split:
    """The parts with the size of the picture, which MediaConvert needs where it does the conversion."""
    stream = objects.open(asset.source, asset.size)
    picture = examine(stream, asset.size).picture
    width, height = picture.target if picture else (None, None)
    destination = part_key(asset.id, recipe, "converted")
    return Split(
        sha256=sha256,
        recipe=recipe,
        parts=tuple(_parts(asset)),
        width=width,
        height=height,
        converted=f"s3://{settings.output_bucket}/{destination}",
    )


def _parts(asset: Asset) -> list[VideoPart]:
    planned = plan(objects.open(asset.source, asset.size), asset.size)
    parts = [VideoPart(number=each.index, start=each.start, end=each.end) for each in planned.parts]
    return [*parts, VideoPart(number=len(parts), sound=True)] if planned.has_sound else parts
