"""Proves a sound's rendition before it is published: its track, its length, its peaks and what is heard."""

import json

from av.container import InputContainer

from tasks.shared.work import Encoded, Original, Rendered, Written
from tasks.transform.audio.track import FORMATS, find_track
from tasks.transform.media import opened
from tasks.transform.witness import agree, blaming_damage, look, look_again, reopened
from workflow.errors import ResultNotProven

_ROUNDED_SECONDS = 0.15
"""AAC's blocks, at the lowest rates, and what encoders add in front of a sound."""
_DAMAGED_SECONDS = 0.1
"""A packet of sound."""


def prove(original: Original, rendered: Rendered) -> None:
    """Raises ResultNotProven where the rendition is not what the original has, and what the record says."""
    web = rendered.files[0]
    if not isinstance(web, Written):
        raise ResultNotProven("The rendition of the sound was not written.")
    seconds = rendered.facts["duration_seconds"]
    with reopened(web.path) as container:
        _prove_length(container, seconds)
    _prove_peaks(rendered, seconds)
    with original.path.open("rb") as file, opened(file, FORMATS) as container:
        number = find_track(container, original.path).stream.index
    with original.path.open("rb") as file:
        seen = look(file, FORMATS, None, number)
    packets = rendered.facts["left_out"]
    with blaming_damage(packets, of="sound"):
        agree(seen, look_again(web.path), left_out_seconds=_DAMAGED_SECONDS * packets)


def _prove_length(container: InputContainer, seconds: float) -> None:
    if [stream.type for stream in container.streams] != ["audio"]:
        raise ResultNotProven(f"The rendition has {len(container.streams)} tracks, and not one of sound.")
    (stream,) = container.streams.audio
    plays = float((stream.duration or 0) * (stream.time_base or 0))
    if abs(plays - seconds) > _ROUNDED_SECONDS:
        raise ResultNotProven(f"The rendition plays {plays:,.2f} s, the record says {seconds:,.2f}.")


def _prove_peaks(rendered: Rendered, seconds: float) -> None:
    found = next((file for file in rendered.files if file.name == "peaks"), None)
    if not isinstance(found, Encoded):
        raise ResultNotProven("There are no peaks of the sound.")
    peaks = json.loads(found.data)
    stretch = peaks["samples_per_pixel"] / peaks["sample_rate"]
    if abs(peaks["length"] * stretch - seconds) > stretch + _ROUNDED_SECONDS:
        raise ResultNotProven(f"The peaks cover {peaks['length'] * stretch:,.2f} s of {seconds:,.2f}.")
