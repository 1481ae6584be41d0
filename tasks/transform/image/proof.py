"""Proves an image's renditions before they are published, by readers that had no part in making them.

Sizes come from the files' own headers, durations from the chunks of the WebP, and a rendition of one color is compared
with what libvips sees in the original.
"""

from pathlib import Path
from typing import Any

from tasks.shared.work import Encoded, Original, Rendered
from tasks.sniffing.headers import announced_size
from tasks.transform.image import vips
from tasks.transform.image.tiff import choose_page
from workflow.errors import ResultNotProven, SluiceError
from workflow.kinds import IMAGE

_ROUNDED_PX = 1.5
_MAX_BLANK_BYTES = 96 * 1024
"""Whatever its size, a still picture of one color packs to less."""

_FIRST_CHUNK_AT, _FRAME_HEADER_BYTES, _DURATION_AT = 12, 24, 20


def prove(original: Original, rendered: Rendered) -> None:
    """Raises ResultNotProven where a rendition is not the picture that the original's own header announces."""
    header = vips.read_header(original.path, original.media_type, _page(original))
    for file in rendered.files:
        if isinstance(file, Encoded):
            _prove_file(file, rendered.facts, header, original.path)


def _prove_file(file: Encoded, facts: dict[str, Any], header: vips.Header | None, original: Path) -> None:
    size = announced_size(file.content_type, file.data)
    if size is None or size != (file.width, file.height):
        raise ResultNotProven(f"The rendition has {size} pixels, but {(file.width, file.height)} were made.")
    if header:
        _prove_shape(size, header)
    if "duration_ms" in facts and file.content_type == "image/webp" and _duration_ms(file.data) != facts["duration_ms"]:
        raise ResultNotProven(
            f"The rendition takes {_duration_ms(file.data):,} ms, the original {facts['duration_ms']:,}."
        )
    if header and _may_be_blank(file.data) and vips.looks_blank(file.data) and not vips.is_blank(original):
        raise ResultNotProven("The rendition is of one color, the original is not.")


def _may_be_blank(data: bytes) -> bool:
    return len(data) <= _MAX_BLANK_BYTES or b"ANMF" in data


def _prove_shape(size: tuple[int, int], header: vips.Header) -> None:
    """The same proportions, to the pixel that rounding takes."""
    width, height = size
    off = abs(width * header.height - height * header.width)
    if off > _ROUNDED_PX * max(header.width, header.height):
        raise ResultNotProven(
            f"The rendition has {width:,} by {height:,} pixels, the original is to be shown with "
            f"{header.width:,} by {header.height:,}: it was stretched, cropped or turned."
        )


def _duration_ms(webp: bytes) -> int:
    """Of all frames of an animated WebP together: encoders make one of equal ones, so their number tells nothing."""
    at, total = _FIRST_CHUNK_AT, 0
    while at + _FRAME_HEADER_BYTES <= len(webp):
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        if webp[at : at + 4] == b"ANMF":
            total += int.from_bytes(webp[at + _DURATION_AT : at + _DURATION_AT + 3], "little")
        at += 8 + length + length % 2
    return total


def _page(original: Original) -> int:
    if original.media_type != "image/tiff":
        return 0
    with original.path.open("rb") as file:
        try:
            return choose_page(file, IMAGE.max_frames).at
        except (SluiceError, SyntaxError):
            return 0
