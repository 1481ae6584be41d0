"""How many channels of sound become two, or one: by the loudspeakers that they are meant for, and none is left out.

The weights are those of ITU-R BS.775, with what is behind and above a little softer, as ATSC A/52 allows; the bass
channel comes along at a quarter, because in recordings of many microphones it is one of them. The sum of the weights is
one for each side, so that nothing clips; of channels that are not named, it is the sum of their squares.
"""

import ctypes
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from av.audio.layout import AudioLayout

from workflow.errors import UnsupportedCodec

STEREO = 2
MAX_CHANNELS = 64
"""Of FFmpeg's filters."""

_BY_NUMBER: Mapping[int, str] = MappingProxyType({3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"})
"""What FFmpeg and most players take so many channels for where a file does not say it."""

_FRONT, _CENTER, _AROUND, _BASS = 1.0, 0.7071, 0.5, 0.25
_LEFT = frozenset({"FL", "DL", "FLC", "SL", "BL", "WL", "TFL", "TBL", "TSL", "SDL", "BFL", "SSL", "TTL", "BIL"})
_RIGHT = frozenset({"FR", "DR", "FRC", "SR", "BR", "WR", "TFR", "TBR", "TSR", "SDR", "BFR", "SSR", "TTR", "BIR"})
_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"FL": _FRONT, "FR": _FRONT, "DL": _FRONT, "DR": _FRONT, "BIL": _FRONT, "BIR": _FRONT, "FC": _CENTER}
    | {"FLC": _CENTER, "FRC": _CENTER, "LFE": _BASS, "LFE2": _BASS}
)
_AMBISONIC = "AMBI"
_USUAL_ORDER = {
    name: place
    for place, name in enumerate(
        (
            *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL"),
            *("TBC", "TBR", "DL", "DR", "WL", "WR", "SDL", "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR", "SSL"),
            *("SSR", "TTL", "TTR", "BIL", "BIR"),
        )
    )
}
"""Of FFmpeg's `AVChannel`: a layout whose channels rise in it has a map of bits, any other a list of its own."""
_UNNAMED = frozenset({"NONE", "UNK"})

_Gains = tuple[dict[int, float], dict[int, float]]
"""By the number of a channel, how loud it is on the left and on the right."""


def check_channels(layout: AudioLayout) -> None:
    """Raises UnsupportedCodec, also for what PyAV (17.1 to 18.1) frees twice: a list of channels that a stream owns.

    Nothing may be decoded then, as each frame would have such a list. The one of the stream is left to the stream, for
    which `layout` must not end, not even with the process.
    """
    names = [channel.name for channel in layout.channels]
    if not _is_in_usual_order(names):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
        raise UnsupportedCodec(
            f"The channels of the sound ({', '.join(names[:MAX_CHANNELS])}) are in an order of the file's own. Export "
            "it with its channels in their usual order, as in WAV."
        )
    if layout.nb_channels > MAX_CHANNELS:
        raise UnsupportedCodec(
            f"The sound has {layout.nb_channels} channels; up to {MAX_CHANNELS} are mixed down to two. "
            "Export it with fewer."
        )


def _is_in_usual_order(names: Sequence[str]) -> bool:
    """Numbered directions come first. A channel that has no place at all is in no list, one of an unknown place is."""
    directions = sum(name.startswith(_AMBISONIC) for name in names)
    if {*names} == {"NONE"}:
        return True
    places = [_USUAL_ORDER.get(name, -1) for name in names[directions:]]
    numbered = [f"{_AMBISONIC}{number}" for number in range(directions)]
    return [*names[:directions]] == numbered and -1 not in places and places == sorted(set(places))


def mixing(layout: AudioLayout, into: int) -> list[tuple[str, str]]:
    """FFmpeg's filters that bring a layout to `into` channels, 1 or 2; none where there are no more than those."""
    if layout.nb_channels <= into:
        return []
    check_channels(layout)
    left, right = _gains(layout)
    if into == STEREO:
        sets = "=" if _is_unknown(layout) else "<"
        return [("pan", f"stereo|c0{sets}{_sum(left)}|c1{sets}{_sum(right)}")]
    both = {number: left.get(number, 0) + right.get(number, 0) for number in left | right}
    return [("pan", f"mono|c0<{_sum(both)}")]


def mixing_note(layout: AudioLayout) -> str:
    """How more than two channels become two, as it follows their number; nothing where there are no more."""
    if layout.nb_channels <= STEREO:
        return ""
    if _is_named(layout):
        return "were mixed down to stereo"
    if _is_unknown(layout):
        return "that are not named were mixed down to stereo: the first, third and so on left, the others right"
    return f"that are not named were taken for {_BY_NUMBER[layout.nb_channels]} and mixed down to stereo"


def _gains(layout: AudioLayout) -> _Gains:
    names = _names(layout)
    if names[0].startswith(_AMBISONIC):
        return {0: 1, 1: 1}, {0: 1, 1: -1}  # all directions, and the difference between left and right
    if _is_unknown(layout):
        return _even(range(0, len(names), 2)), _even(range(1, len(names), 2))
    weights = [_WEIGHTS.get(name, _AROUND) for name in names]
    left = {number: weight for number, weight in enumerate(weights) if names[number] not in _RIGHT}
    right = {number: weight for number, weight in enumerate(weights) if names[number] not in _LEFT}
    return left, right


def _names(layout: AudioLayout) -> list[str]:
    if not _is_named(layout) and layout.nb_channels in _BY_NUMBER:
        layout = AudioLayout(_BY_NUMBER[layout.nb_channels])
    return [channel.name for channel in layout.channels]


def _is_named(layout: AudioLayout) -> bool:
    return not any(channel.name in _UNNAMED for channel in layout.channels)


def _is_unknown(layout: AudioLayout) -> bool:
    """Whether nobody can say where the channels belong."""
    return not _is_named(layout) and layout.nb_channels > max(_BY_NUMBER)


def _even(numbers: Sequence[int]) -> dict[int, float]:
    return dict.fromkeys(numbers, round(1 / math.sqrt(len(numbers)), 4))


def _sum(gains: Mapping[int, float]) -> str:
    return "+".join(f"{weight}*c{number}" for number, weight in gains.items() if weight).replace("+-", "-")
