"""Proves a video's rendition before it is published: its tracks, sizes and times, its pictures and what is heard."""

from collections.abc import Sequence
from typing import Any, BinaryIO

from av.container import InputContainer
from av.format import Flags

from tasks.shared.work import Rendered, Written
from tasks.transform.media import opened
from tasks.transform.video.tracks import DEMUXERS, choose
from tasks.transform.witness import (
    LISTEN_EVERY_SECONDS,
    Seen,
    agree,
    blaming_damage,
    is_heard,
    look,
    look_again,
    reopened,
)
from workflow.errors import ResultNotProven

_PLACES = 12
_MICROSECONDS = 1_000_000
_ROUNDED_SECONDS = 0.1
"""Blocks of AAC."""
_SECONDS_BY_DAMAGE = 10
"""What may be missing behind a packet that cannot be decoded: up to the next key frame."""
_LEAST_SHARE, _LEAST_RATE = 0.45, 25
"""Of the packets that are pictures, because fields may come in packets of their own; or so many a second."""


def prove(original: BinaryIO, rendered: Rendered, *, here_and_there: bool = False) -> None:
    """Raises ResultNotProven where the rendition is not what the original has, and what the record says.

    CorruptMedia where packets were left out: then that may be why. The original is looked at all over or, if it is
    large, here and there.
    """
    made, facts = rendered.files[0], rendered.facts
    if not isinstance(made, Written):
        raise ResultNotProven("The rendition of the video was not written.")
    with blaming_damage(facts["left_out"], of="video"):
        prove_tracks(made, facts)
        shown = look_again(made.path)
        _prove_times(shown, facts)
        _prove_content(original, shown, facts, here_and_there=here_and_there)


def prove_tracks(made: Written, facts: dict[str, Any]) -> None:
    """The same for the tracks alone, whoever has made them."""
    with reopened(made.path) as container:
        _prove_tracks(container, made, facts)


def _prove_tracks(container: InputContainer, made: Written, facts: dict[str, Any]) -> None:
    found = sorted(stream.type for stream in container.streams)
    expected = sorted((["audio"] if facts["has_audio"] else []) + (["video"] if "video_codec" in facts else []))
    if found != expected:
        raise ResultNotProven(f"The rendition has the tracks {found}, not {expected}.")
    for stream in container.streams.video:
        if (stream.width, stream.height) != (made.width, made.height):
            raise ResultNotProven(
                f"The rendition has {stream.width} by {stream.height} pixels, not {made.width} by {made.height}."
            )
        if "frames" in facts and stream.frames != facts["frames"]:
            raise ResultNotProven(f"The rendition has {stream.frames:,} pictures; {facts['frames']:,} were made.")


def _prove_times(shown: Seen, facts: dict[str, Any]) -> None:
    """Where the last picture begins, and where the sound ends: to the block, or to what a picture takes."""
    plays = max([*shown.picture_starts, shown.sound_end])
    after = facts["duration_seconds"] - plays
    longest = max(shown.longest_picture_seconds, shown.announced_end - plays)
    if not -_ROUNDED_SECONDS <= after <= longest + _ROUNDED_SECONDS:
        raise ResultNotProven(f"The rendition plays {plays:,.2f} s, the record says {facts['duration_seconds']:,.2f}.")


def _prove_content(original: BinaryIO, shown: Seen, facts: dict[str, Any], *, here_and_there: bool) -> None:
    original.seek(0)
    with opened(original, DEMUXERS) as container:
        tracks = choose(container)
        at = _places(container, facts) if here_and_there else None
        is_steady = not container.format.flags & Flags.ts_discont.value
        picture, sound = (track and track.index for track in (tracks.picture, tracks.sound))
    if here_and_there and not is_steady:
        return  # a place in time is not one place in such a file
    seen = look(original, DEMUXERS, picture, sound, at)
    if is_steady:
        agree(seen, shown, left_out_seconds=_SECONDS_BY_DAMAGE * facts["left_out"])
    else:
        _prove_count(seen, shown, facts)


def _places(container: InputContainer, facts: dict[str, Any]) -> Sequence[int]:
    """Seconds over all of a film, in which a witness listens."""
    announced = (container.duration or 0) / _MICROSECONDS
    seconds = int(max(announced, facts["duration_seconds"]))
    step = seconds // _PLACES // LISTEN_EVERY_SECONDS * LISTEN_EVERY_SECONDS
    return range(0, seconds, max(LISTEN_EVERY_SECONDS, step))


def _prove_count(seen: Seen, shown: Seen, facts: dict[str, Any]) -> None:
    """Where a clock is set anew on the way, a time is not one place: what is there is counted."""
    least = min(_LEAST_SHARE * seen.pictures, _LEAST_RATE * len(shown.picture_seconds))
    if shown.pictures + facts["left_out"] < least:
        raise ResultNotProven(f"The original has {seen.pictures:,} pictures, the rendition {shown.pictures:,}.")
    if is_heard(seen) and not is_heard(shown, at_all=True):
        raise ResultNotProven("The original is heard, and the rendition is not.")
