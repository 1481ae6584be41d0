"""JoinVideo: publish the converted parts of a long video as one rendition, as Transform publishes a short one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tasks.shared import clients
from tasks.shared.naming import part_key
from tasks.shared.objects import Objects
from tasks.shared.renditions import Renditions
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.shared.work import Recipe, Rendered, Written
from tasks.transform.video.convert import Converted
from tasks.transform.video.parts import PartFile, join
from tasks.transform.video.probe import examine
from tasks.transform.video.proof import prove, prove_tracks
from workflow.errors import TransientError
from workflow.shapes import Asset, Pointer, Run, Split, Transformed, VideoPart


class Settings(msgspec.Struct, frozen=True):
    output_bucket: str
    publish_private_metadata: bool


@dataclass(frozen=True)
class State:
    """What JoinVideo needs of the state; `convert_video` has an item for each part, or is MediaConvert's answer."""

    asset: Asset
    split_video: Split
    convert_video: list[object] | dict[str, object]


settings = from_environment(Settings)
RECIPE = Recipe(publish_private=settings.publish_private_metadata)
objects = Objects(clients.s3())
renditions = Renditions(settings.output_bucket, objects, settings.publish_private_metadata)


@task("join_video", State, into="transform")
def handle(state: State, _run: Run) -> Transformed:
    asset, split = state.asset, state.split_video
    if split.reused:
        return split.reused
    with tempfile.TemporaryDirectory() as folder:
        by_service = isinstance(state.convert_video, dict)
        rendered = taken(asset, split, Path(folder)) if by_service else joined(asset, split, Path(folder))
        original = objects.open(asset.source, asset.size)
        return renditions.published(asset, split.sha256, split.recipe, rendered, original)


def joined(asset: Asset, split: Split, folder: Path) -> Rendered:
    """Of the parts that functions converted, which are read where they are."""
    pictures = [_part(asset, split.recipe, part) for part in split.parts if not part.sound]
    sound = next((_part(asset, split.recipe, part) for part in split.parts if part.sound), None)
    stream = objects.open(asset.source, asset.size)
    rendered = join(stream, asset.size, pictures, sound, folder / "web.mp4", RECIPE)
    prove(stream, rendered, here_and_there=True)
    return rendered


def _part(asset: Asset, recipe: str, part: VideoPart) -> PartFile:
    media, facts = (_work(asset, recipe, f"{part.number:04}.{ending}") for ending in ("mp4", "json"))
    stream = objects.open(media, _size(media))
    return PartFile(stream, msgspec.json.decode(objects.read(facts), type=Converted))


def taken(asset: Asset, split: Split, folder: Path) -> Rendered:
    """Of what MediaConvert made, which is in one piece."""
    path = folder / "web.mp4"
    made = _work(asset, split.recipe, "converted.mp4")
    objects.download(made, path, _size(made))
    found = examine(objects.open(asset.source, asset.size), asset.size, publish_private=RECIPE.publish_private)
    file = Written("web", "video/mp4", path, split.width, split.height)
    prove_tracks(file, found.facts)
    return Rendered((file,), found.facts, found.technical)


def _work(asset: Asset, recipe: str, part: str) -> Pointer:
    return Pointer(bucket=settings.output_bucket, key=part_key(asset.id, recipe, part))


def _size(at: Pointer) -> int:
    found = objects.head(at)
    if found is None:
        raise TransientError(f"There is no s3://{at.bucket}/{at.key}, which an earlier state has made.")
    return found.size
