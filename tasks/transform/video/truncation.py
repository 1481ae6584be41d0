"""Whether a file ends before its container says so: told from headers alone, because demuxers play what there is."""

from typing import BinaryIO

from av.container import InputContainer

from tasks.transform.boxes import CONTENT_BOXES, check_boxes, check_end

_FIRST_BYTES = 16
_FIRST_BOXES = frozenset({b"ftyp", b"styp", b"wide", b"free", b"skip", b"pnot", b"uuid", *CONTENT_BOXES})
_RIFF_HEADER_BYTES = 8
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_SIZE_AT = 40
_HEAD_BYTES = 4096


def check_complete(stream: BinaryIO, size: int) -> None:
    """Raise TruncatedFile if bytes are missing, or the index of an MP4; the stream is left where it stops."""
    stream.seek(0)
    head = stream.read(_FIRST_BYTES)
    if head[4:8] in _FIRST_BOXES:
        check_boxes(stream, size)
    elif head.startswith(b"RIFF"):
        check_end(_RIFF_HEADER_BYTES + int.from_bytes(head[4:8], "little"), size)
    elif head.startswith(_EBML):
        check_end(_segment_end(_head(stream)), size)
    elif head == _ASF_HEADER:
        check_end(_asf_end(_head(stream)), size)


def check_index(container: InputContainer, size: int) -> None:
    """Raise TruncatedFile if a packet that is listed in the container's index lies beyond the end."""
    for stream in (*container.streams.video, *container.streams.audio):
        entries = stream.index_entries
        if len(entries):
            check_end(entries[-1].pos + entries[-1].size, size)


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(_HEAD_BYTES)


def _segment_end(head: bytes) -> int:
    """Where Matroska's one segment ends; 0 where it does not say, as in live recordings."""
    at = head.find(_SEGMENT)
    if at < 0 or at + len(_SEGMENT) >= len(head):
        return 0
    first = head[at + len(_SEGMENT)]
    length = 9 - first.bit_length()
    number = head[at + len(_SEGMENT) : at + len(_SEGMENT) + length]
    value = int.from_bytes(number, "big") & ((1 << 7 * length) - 1)
    is_unknown = value == (1 << 7 * length) - 1
    return 0 if is_unknown else at + len(_SEGMENT) + length + value


def _asf_end(head: bytes) -> int:
    """The size of the file, of its properties; 0 where it does not say, as in broadcasts."""
    at = head.find(_ASF_PROPERTIES)
    return int.from_bytes(head[at + _ASF_SIZE_AT : at + _ASF_SIZE_AT + 8], "little") if at >= 0 else 0
