"""ConvertPart: convert one part of a long video, or its sound, from those ranges of the original that hold it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tasks.shared import clients
from tasks.shared.naming import part_key
from tasks.shared.objects import Objects
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.transform.video.convert import Converted
from tasks.transform.video.parts import Part, convert_part, convert_sound
from workflow.shapes import Asset, ConvertedPart, Pointer, Run, VideoPart


class Settings(msgspec.Struct, frozen=True):
    output_bucket: str


@dataclass(frozen=True)
class State:
    """What ConvertPart gets: `part` is one of those that SplitVideo planned."""

    asset: Asset
    recipe: str
    part: VideoPart


settings = from_environment(Settings)
objects = Objects(clients.s3())


@task("convert_part", State)
def handle(state: State, _run: Run) -> ConvertedPart:
    """Its facts are written last: a part that has them is there, and is not made again."""
    media, facts = (key_of(state, ending) for ending in ("mp4", "json"))
    if not objects.head(Pointer(bucket=settings.output_bucket, key=facts)):
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "part.mp4"
            converted = convert(state.asset, state.part, made)
            objects.put_file(settings.output_bucket, media, made, "video/mp4")
        objects.put(settings.output_bucket, facts, msgspec.json.encode(converted), "application/json")
    return ConvertedPart(number=state.part.number)


def convert(asset: Asset, part: VideoPart, made: Path) -> Converted:
    stream = objects.open(asset.source, asset.size)
    if part.sound:
        return convert_sound(stream, asset.size, made)
    return convert_part(stream, Part(part.number, part.start, part.end), made)


def key_of(state: State, ending: str) -> str:
    return part_key(state.asset.id, state.recipe, f"{state.part.number:04}.{ending}")
