"""Takes the picture that is embedded in a sound file through the path of images; a bad one never fails the sound."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from tasks.shared.work import Encoded, Original, Recipe, Written
from tasks.sniffing.headers import announced_size
from tasks.transform import image
from tasks.transform.audio.limits import LIMITS
from tasks.transform.audio.track import FORMATS
from tasks.transform.media import opened
from workflow.errors import RejectedError, TooLarge, TooManyPixels, UnsupportedType
from workflow.units import MIB

MAX_SIDE_PX = 1024

_MAGIC: Mapping[bytes, str] = MappingProxyType(
    {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF8": "image/gif",
        b"RIFF": "image/webp",
        b"BM": "image/bmp",
    }
)


@dataclass(frozen=True)
class Cover:
    """At most one file, and what is to be said."""

    files: tuple[Encoded | Written, ...] = ()
    notes: tuple[str, ...] = ()


def find_cover(original: Original, recipe: Recipe) -> Cover:
    """The front cover, or else the first picture, as a JPEG."""
    try:
        picture = _embedded(original)
        return Cover((_render(picture, original, recipe),)) if picture else Cover()
    except RejectedError as exc:
        return Cover(notes=(f"the embedded picture is left out: {type(exc).__name__}",))


def _embedded(original: Original) -> bytes:
    with original.path.open("rb") as file, opened(file, FORMATS) as container:
        stream = _picture_stream(container)
        return next((bytes(packet) for packet in container.demux(stream) if packet.size), b"") if stream else b""


def _picture_stream(container: InputContainer) -> VideoStream | None:
    pictures = [each for each in container.streams.video if Disposition.attached_pic in each.disposition]
    return min(pictures, key=lambda each: "front" not in each.metadata.get("comment", "").lower(), default=None)


def _render(picture: bytes, original: Original, recipe: Recipe) -> Encoded | Written:
    media_type = _checked_type(picture)
    path = original.scratch / "cover"
    path.write_bytes(picture)
    still = replace(recipe, formats=("jpeg",), max_side_px=min(MAX_SIDE_PX, recipe.max_side_px))
    rendered = image.transform(Original(path, "cover", media_type, original.scratch), still)
    return replace(rendered.files[0], name="cover")


def _checked_type(picture: bytes) -> str:
    if len(picture) > LIMITS.max_cover_bytes:
        raise TooLarge(f"It has {len(picture):,} bytes; {LIMITS.max_cover_bytes // MIB} MiB are accepted.")
    media_type = next((kind for magic, kind in _MAGIC.items() if picture.startswith(magic)), None)
    if not media_type:
        raise UnsupportedType("It is not a JPEG, PNG, GIF, WebP or BMP.")
    width, height = announced_size(media_type, picture) or (0, 0)
    if width * height > LIMITS.max_cover_pixels:
        raise TooManyPixels(f"It has {width:,} × {height:,} pixels; {LIMITS.max_cover_pixels:,} are accepted.")
    return media_type
