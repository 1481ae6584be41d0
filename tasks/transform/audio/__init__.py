"""Makes the web rendition of a sound: M4A with AAC; in the same pass its loudness, its true length and its peaks.

Sound is decoded once, as a stream: hours take no more memory than a second.
"""

from typing import Any

from av.container import InputContainer

from tasks.shared.work import Original, Recipe, Rendered, Written
from tasks.transform.audio import proof
from tasks.transform.audio.cover import find_cover
from tasks.transform.audio.ending import check_ending
from tasks.transform.audio.listen import Heard, listen
from tasks.transform.audio.m4a import STEREO_BITS_PER_SECOND
from tasks.transform.audio.track import FORMATS, Track, find_track
from tasks.transform.media import opened, public_tags, read_chapters, read_tags, seconds, tag_facts
from tasks.transform.national import unreadable_note

MAX_STREAMS_TOLD = 20


def recipe_name(_original_name: str, recipe: Recipe) -> str:
    """Names everything in the recipe that decides the output."""
    return f"m4a-{STEREO_BITS_PER_SECOND // 1000}{'-private' if recipe.publish_private else ''}"


def transform(original: Original, recipe: Recipe) -> Rendered:
    """The sound as "web", its "peaks" for players, its "cover" if it has one; a RejectedError if it is at fault."""
    web = original.scratch / "web.m4a"
    end_notes = check_ending(original.path)
    with original.path.open("rb") as file, opened(file, FORMATS) as container:
        track = find_track(container, original.path)
        tags = read_tags(container.metadata, track.stream.metadata)
        heard = listen(track, web, tags if recipe.publish_private else {})
        cover = find_cover(original, recipe)
        technical = _technical(container, tags if recipe.publish_private else public_tags(tags))
        unread = unreadable_note(container.metadata, track.stream.metadata)
        notes = [*track.notes, *heard.notes, *end_notes, *cover.notes, *unread]
        facts = _facts(track, heard) | {"has_cover": bool(cover.files), "chapters": len(technical["chapters"])}
        facts |= tag_facts(tags) | ({"notes": notes} if notes else {})
    return Rendered((Written("web", "audio/mp4", web), heard.peaks, *cover.files), facts, technical)


def prove(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    """Raises ResultNotProven where the rendition does not agree with the original, or with the record."""
    proof.prove(original, rendered)


def _facts(track: Track, heard: Heard) -> dict[str, Any]:
    return {
        "format": track.format,
        "codec": track.codec,
        "duration_seconds": round(heard.seconds, 3),
        "sample_rate_hz": heard.rate_hz,
        "channels": heard.channels,
        "bit_rate": heard.bits_per_second,
        "left_out": heard.left_out,
        **heard.loudness.facts,
    }


def _technical(container: InputContainer, tags: dict[str, str]) -> dict[str, Any]:
    return {
        "tags": tags,
        "chapters": read_chapters(container),
        "streams": [
            {
                "type": stream.type,
                "codec": stream.codec_context.codec.canonical_name if stream.codec_context else None,
                "language": stream.language,
                "duration_seconds": seconds(stream.duration, stream.time_base),
            }
            for stream in list(container.streams)[:MAX_STREAMS_TOLD]
        ],
    }
