"""How long a file says that it is, which it has to keep: FFmpeg itself plays what there is.

WAV, AIFF, FLAC and M4A say so, MP3 only in the tag of its encoder; AAC and Ogg do not.
"""

import re
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

from tasks.transform.media import seconds
from workflow.errors import TruncatedFile

_SAYS_NOTHING = frozenset({"aac", "amr", "ogg"})
"""FFmpeg's durations of these are guesses, or what is left of the file."""

_TOLERANCE_SECONDS, _TOLERANCE_SHARE = 0.5, 0.25
"""Encoders count what they added at both ends, which is not played."""

_MPEG_FRAME = re.compile(rb"\xff[\xe2-\xff][\x10-\xef]")
_LENGTH_TAG = re.compile(rb"(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f]|VBRI")
_SEARCHED_BYTES, _FIRST_FRAME_BYTES = 64 * 1024, 1500
_ID3_HEADER_BYTES = 10


def promised_seconds(container: InputContainer, stream: AudioStream, path: Path) -> float | None:
    demuxer = container.format.name
    if demuxer in _SAYS_NOTHING or (demuxer == "mp3" and not _has_length_tag(path)):
        return None
    return seconds(stream.duration, stream.time_base)


def check_complete(promised: float | None, delivered: float) -> None:
    """TruncatedFile if clearly more seconds were promised than there are."""
    missing = (promised or 0) - delivered
    if promised and missing > min(_TOLERANCE_SECONDS, _TOLERANCE_SHARE * promised):
        raise TruncatedFile(
            f"The file says that it lasts {promised:.1f} seconds, and ends after {delivered:.1f}. "
            "It was cut off on the way: upload it again."
        )


def _has_length_tag(path: Path) -> bool:
    """Whether the first MPEG frame is an encoder's tag (Xing, Info, VBRI) that counts the frames.

    Behind anything but zeros, FFmpeg does not look at it.
    """
    with path.open("rb") as file:
        file.seek(_id3_bytes(file.read(_ID3_HEADER_BYTES)))
        head = file.read(_SEARCHED_BYTES)
    frame = _MPEG_FRAME.search(head)
    if not frame or head[: frame.start()].strip(b"\0"):
        return False
    return bool(_LENGTH_TAG.search(head, frame.start(), frame.start() + _FIRST_FRAME_BYTES))


def _id3_bytes(header: bytes) -> int:
    """Where the first frame may begin: after an ID3v2 tag, whose size has seven bits in a byte."""
    if len(header) < _ID3_HEADER_BYTES or not header.startswith(b"ID3"):
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
    return _ID3_HEADER_BYTES + size
