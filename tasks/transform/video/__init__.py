"""Makes the web rendition of a video: an MP4 of at most 720 lines that starts at once; and reads its facts.

What one function cannot do in its time, or on its disk, raises LongVideo, and is done by `parts` in several.
"""

from pathlib import Path
from typing import BinaryIO

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.media import opened, read_tags
from tasks.transform.video import proof
from tasks.transform.video.convert import Converted, Job, convert, whole
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.probe import Probe, check_cost, probe, with_size
from tasks.transform.video.reader import Reader
from tasks.transform.video.rendered import rendered
from tasks.transform.video.sound import peak_finder
from tasks.transform.video.tracks import DEMUXERS, choose
from workflow.errors import LongVideo


def recipe_name(_original_name: str, recipe: Recipe) -> str:
    """Names everything that decides the output."""
    return f"mp4-720{'-private' if recipe.publish_private else ''}"


def check(stream: BinaryIO, size: int, max_cpu_seconds: float) -> None:
    """What ranged reads tell, before anything is downloaded: raises a RejectedError, or LongVideo above the limit."""
    probe(stream, size, max_cpu_seconds=max_cpu_seconds, measures=False)
    if size > LIMITS.max_whole_bytes:
        raise LongVideo(f"The video has {size:,} bytes, more than the disk of one function. It is converted in parts.")


def transform(original: Original, recipe: Recipe) -> Rendered:
    """The MP4, or M4A if there is no picture, and captions; raises a RejectedError, or LongVideo."""
    made = original.scratch / "web.mp4"
    with original.path.open("rb") as stream:
        found = probe(stream, original.path.stat().st_size, publish_private=recipe.publish_private)
        converted = _convert(stream, found, made, recipe)
        usual = with_size(found, converted.usual_size)
        if usual != found:
            check_cost(usual)
            converted = _convert(stream, usual, made, recipe)
        return rendered(usual, converted, made)


def prove(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    """Raises ResultNotProven where the rendition does not agree with the original, or with the record."""
    with original.path.open("rb") as stream:
        proof.prove(stream, rendered)


def _convert(stream: BinaryIO, found: Probe, to: Path, recipe: Recipe) -> Converted:
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        tracks = choose(container)
        tracks.prepare_decoder()
        reader = Reader(container, tracks)
        packets = reader.demuxed(*tracks.playable, *tracks.captions)
        tags = read_tags(container.metadata) if recipe.publish_private else {}
        job = Job(
            tracks,
            found.picture,
            whole(found.duration_seconds, reader),
            None if found.picture else peak_finder(found.duration_seconds),
        )
        return convert(job, reader, packets, to, tags)
