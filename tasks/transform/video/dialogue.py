"""Decides whether a track of text is what people say: cameras and drones write what they measure into such tracks, too.

The whole track decides. What may be published is language; in doubt, a track is left out.
"""

import re
from collections.abc import Sequence

from tasks.transform.places import tells_place

_INSTRUMENTS = re.compile(
    r"\b(?:dji|gopro|gps|gnss|nmea|gpmd|gpmf|camm|mett?|metadata|telemetry|sensors?|gyro\w*|imu|klv|misb|rtmd|timecode)\b",
    re.IGNORECASE,
)
_READING = re.compile(r"[\w.]+[\"']?\s*[:=]\s*\[?\(?\s*[-+]?\d|\b[A-Za-z]{1,4}/?\s?[-+]?\d+\.\d+|[-+]?\d+\.\d{2,}")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONG_RUN = re.compile(r"\S{60,}")
_SIGNS_OF_WORDS_CHARS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_SYLLABLES = re.compile(f"[{_SIGNS_OF_WORDS_CHARS}]")

LEAST_SPOKEN_SHARE = 0.8
MAX_CUES_WITH_PLACES = 0.02
MAX_REPEATED = 0.1
"""A share of all cues: with fewer different ones, numbers apart, it is a form that is filled in again and again."""

_REPEATED_FROM_CUES = 10
_MANY_READINGS = 2


def why_no_dialogue(cues: Sequence[str], name: str) -> str:
    """Why a track of these cues, called `name` by the file, is not published; empty if it is."""
    if _INSTRUMENTS.search(name):
        return "it is made by a measuring device"
    if not cues:
        return ""
    if sum(map(tells_place, cues)) > MAX_CUES_WITH_PLACES * len(cues):
        return "it tells positions"
    if sum(map(_is_spoken, cues)) < LEAST_SPOKEN_SHARE * len(cues):
        return "it is numbers or codes rather than language"
    forms = {_DIGITS.sub("0", cue) for cue in cues}
    if len(cues) >= _REPEATED_FROM_CUES and len(forms) <= MAX_REPEATED * len(cues):
        return "its texts are the same but for their numbers"
    return ""


def _is_spoken(cue: str) -> bool:
    """Mostly letters that make words, and hardly a number with a name."""
    if len(_READING.findall(cue)) >= _MANY_READINGS or (_LONG_RUN.search(cue) and not _SYLLABLES.search(cue)):
        return False
    letters = sum(map(len, _WORD.findall(cue))) + len(_SYLLABLES.findall(cue))
    return letters > sum(map(len, _DIGITS.findall(cue)))
