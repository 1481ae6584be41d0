"""The font of everything that is drawn with text: Open Sans, which has Latin, Greek and Cyrillic letters."""

from functools import cache

from PIL import ImageFont
from ttf_opensans import OPENSANS_REGULAR


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(OPENSANS_REGULAR.path, size_px)
