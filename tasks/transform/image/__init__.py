"""Makes the web rendition of an image: upright, sRGB, scaled to fit, free of metadata; and reads its facts.

An animation stays one in WebP, and is its first frame in JPEG; of pages, the first is shown.
The recipe was measured: scale while decoding, resize once, convert color only where it shows.
"""

import io
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from PIL.Image import Image, Resampling, Transpose
from PIL.Image import new as new_image

from tasks.shared.work import Encoded, Original, Recipe, Rendered
from tasks.transform.image import proof
from tasks.transform.image.animation import Animation, animate
from tasks.transform.image.color import Profile, read_profile, srgb_converter, to_working_mode
from tasks.transform.image.decode import SNAP_SHARE, Decoded, decode
from tasks.transform.image.exif import dump_tags, photo_facts, photo_notes, read_tags
from tasks.transform.image.profile_names import told_name
from workflow.kinds import IMAGE, Format

WEBP_QUALITY, WEBP_METHOD = 80, 2
JPEG_QUALITY = 82

_TURNS: Mapping[int, Transpose] = MappingProxyType(
    {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
)


def recipe_name(_original_name: str, recipe: Recipe) -> str:
    """Names everything in the recipe that decides the output."""
    return f"{'-'.join(recipe.formats)}-{recipe.max_side_px}{'-private' if recipe.publish_private else ''}"


def transform(original: Original, recipe: Recipe) -> Rendered:
    """Renditions in all formats of the recipe, never larger than the original; a RejectedError if it is at fault."""
    path, found = original.path, IMAGE.formats[original.media_type]
    with warnings.catch_warnings(action="ignore"):  # Pillow's remarks on odd files: they decode, or they do not
        decoded = decode(path, found, recipe.max_side_px)
        profile = read_profile(decoded.icc)
        finish = _finisher(profile, decoded.turn)
        image = _publishable(finish(_fit(decoded, recipe.max_side_px)))
        moving = animate(path, found, decoded.frames, recipe, finish) if _moves(decoded, found, recipe) else None
        files = tuple(moving.file if moving and name == "webp" else _ENCODERS[name](image) for name in recipe.formats)
        tags = read_tags(decoded.exif)
    facts = _picture_facts(decoded, found, image, profile) | _several_facts(decoded, found, moving)
    notes = [*decoded.notes, *_several_notes(decoded, found, moving), *photo_notes(tags)]
    return Rendered(
        files,
        facts | ({"notes": notes} if notes else {}) | photo_facts(tags, publish_private=recipe.publish_private),
        dump_tags(tags, publish_private=recipe.publish_private),
    )


def prove(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    """Raises ResultNotProven: see `proof`."""
    with warnings.catch_warnings(action="ignore"):
        proof.prove(original, rendered)


def _moves(decoded: Decoded, found: Format, recipe: Recipe) -> bool:
    return found.several == "frames" and decoded.frames > 1 and "webp" in recipe.formats


def _finisher(profile: Profile | None, turn: int) -> Callable[[Image], Image]:
    to_srgb = srgb_converter(profile)
    return lambda scaled: _upright(to_srgb(scaled), turn)


def _fit(decoded: Decoded, max_side_px: int) -> Image:
    image = to_working_mode(decoded.image)
    longest = max(image.size)
    was_scaled_enough = decoded.image.width < decoded.width and longest >= max_side_px * SNAP_SHARE
    if longest <= max_side_px and (was_scaled_enough or longest == max(decoded.width, decoded.height)):
        return image
    scale = max_side_px / longest
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Resampling.BICUBIC, reducing_gap=2.0)


def _upright(image: Image, turn: int) -> Image:
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _publishable(image: Image) -> Image:
    """A copy of the bare pixels, and of alpha only if something is transparent: encoders would write all of `info`."""
    is_opaque = image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255)
    bare = image.convert("RGB") if is_opaque else image.copy()
    bare.info.clear()
    return bare


def _encode_webp(image: Image) -> Encoded:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return Encoded("web", "image/webp", buffer.getvalue(), image.width, image.height)


def _encode_jpeg(image: Image) -> Encoded:
    buffer = io.BytesIO()
    _on_white(image).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return Encoded("web", "image/jpeg", buffer.getvalue(), image.width, image.height)


def _on_white(image: Image) -> Image:
    if image.mode != "RGBA":
        return image
    flat = new_image("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    return flat


_ENCODERS: Mapping[str, Callable[[Image], Encoded]] = MappingProxyType({"webp": _encode_webp, "jpeg": _encode_jpeg})


def _picture_facts(decoded: Decoded, found: Format, image: Image, profile: Profile | None) -> dict[str, Any]:
    is_sideways = decoded.turn >= 5  # noqa: PLR2004 - EXIF's four orientations that swap the sides
    width, height = (decoded.height, decoded.width) if is_sideways else (decoded.width, decoded.height)
    return {
        "width": width,
        "height": height,
        "format": found.label,
        "mode": decoded.image.mode,
        "has_alpha": image.mode == "RGBA",
        "orientation": decoded.orientation,
        "color_profile": told_name(profile.name) if profile and profile.name else None,
    }


def _several_facts(decoded: Decoded, found: Format, moving: Animation | None) -> dict[str, Any]:
    if moving:
        return {"frames": decoded.frames} | moving.facts
    if found.several == "pages" and decoded.frames > 1:
        return {"frames": 1, "pages": decoded.frames}
    return {"frames": decoded.frames}


def _several_notes(decoded: Decoded, found: Format, moving: Animation | None) -> list[str]:
    """Which of more pictures than one is shown."""
    if moving and moving.is_still:
        return [f"its {decoded.frames:,} frames look alike: the rendition does not move"]
    if moving or decoded.frames == 1:
        return []
    which = f"number {decoded.page + 1}, as those before it are reduced previews," if decoded.page else "the first"
    return [f"the rendition shows {which} of {decoded.frames:,} {found.several}"]
