"""Opens the flattened picture that Photoshop keeps beside the layers, and says clearly where there is none."""

import struct
from typing import IO, cast

from PIL.PsdImagePlugin import PsdImageFile

from workflow.errors import UnsupportedType

_HEADER = struct.Struct(">4xH16xHH")
_LARGE_DOCUMENT = 2
_BITS, _COLORS = frozenset({1, 8}), frozenset({0, 1, 2, 3, 4, 9})
_VERSION_RESOURCE, _HAS_COMPOSITE = 1057, slice(4, 5)


class PsdComposite(PsdImageFile):
    """Raises UnsupportedType for a document without a picture of 8-bit gray, RGB, CMYK, Lab or palette colors."""

    resources: list[tuple[int, bytes, bytes]]

    def _open(self) -> None:
        file = cast("IO[bytes]", self.fp)
        _check_header(file.read(_HEADER.size))
        layers = _layer_count(file)
        file.seek(0)
        super()._open()
        if not _has_composite(self.resources):
            raise _refusal("has layers only: it was saved without the option Maximize Compatibility")
        if (
            self.mode == "RGBA" and layers >= 0
        ):  # the fourth channel is a stored selection, which must not hide anything
            self._mode, self.tile = "RGB", self.tile[:3]


def _check_header(header: bytes) -> None:
    version, bits, colors = _HEADER.unpack(header)
    if version == _LARGE_DOCUMENT:
        raise _refusal("is in the large document format (PSB)")
    if bits not in _BITS:
        raise _refusal(f"has {bits} bits a channel")
    if colors not in _COLORS:
        raise _refusal("is in multichannel or duotone colors")


def _refusal(finding: str) -> UnsupportedType:
    return UnsupportedType(
        f"The Photoshop document {finding}. There is no picture in it that can be shown. Export it as TIFF or PNG, or "
        "save it as PSD in RGB with 8 bits a channel and maximized compatibility, and upload that."
    )


def _layer_count(file: IO[bytes]) -> int:
    """Negative where the first channel beyond the colors is the transparency of the whole."""
    for _ in ("color data", "resources"):
        file.seek(_length(file), 1)
    has_layers = _length(file) and _length(file)
    return int.from_bytes(file.read(2), "big", signed=True) if has_layers else 0


def _length(file: IO[bytes]) -> int:
    return int.from_bytes(file.read(4), "big")


def _has_composite(resources: list[tuple[int, bytes, bytes]]) -> bool:
    """Photoshop says so in a resource; programs that leave it out write the composite."""
    said = (data[_HAS_COMPOSITE] for code, _, data in resources if code == _VERSION_RESOURCE)
    return next(said, b"") != b"\0"
