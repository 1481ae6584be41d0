"""Pictures of a format of their own in a PDF, however they are packed: JPEG, JPEG 2000 and JBIG2, bare of all else."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pikepdf import Array, Dictionary, Integer, Name, Object, Pdf, PikepdfError, Stream, StreamDecodeLevel

from tasks.transform.document.jbig2 import bare_jbig2
from tasks.transform.document.jpeg import bare_jpeg
from tasks.transform.document.jpeg2000 import bare_jpeg2000

_BARE: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {"/DCTDecode": bare_jpeg, "/DCT": bare_jpeg, "/JPXDecode": bare_jpeg2000, "/JBIG2Decode": bare_jbig2}
)
_PACKINGS = frozenset({"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"})
_SHORT_PACKINGS = frozenset({"/Fl", "/LZW", "/A85", "/AHx", "/RL"})
_OUTER = _PACKINGS | _SHORT_PACKINGS | {"/Crypt"}
_INNERMOST = _OUTER | {*_BARE, "/CCITTFaxDecode", "/CCF"}


@dataclass(frozen=True)
class Photograph:
    """A picture in the one packing that it has of its own; `data` is empty if there is none."""

    data: bytes
    packing: Name
    parameters: Dictionary | None

    def packed_alike(self, raw: bytes, entries: Object) -> bool:
        """Whether it is what it was made of, byte for byte."""
        return self.data == raw and len(filters_of(entries)) == 1


def filters_of(entries: Object) -> list[str]:
    """How a stream is packed, from the outside to the inside."""
    said = entries.get(Name.Filter)
    return [str(each) for each in list(said)] if isinstance(said, Array) else [] if said is None else [str(said)]


def is_packed_as_allowed(entries: Object) -> bool:
    """Whether every filter is known, and in a place where it can be."""
    filters = filters_of(entries)
    return set(filters[:-1]) <= _OUTER and set(filters[-1:]) <= _INNERMOST


def is_photograph(entries: Object) -> bool:
    """Whether the entries of a stream or of an inline image say so."""
    return bool(_BARE.keys() & filters_of(entries)[-1:])


def bare_photograph(raw: bytes, entries: Object) -> Photograph:
    """The picture alone, of what is one."""
    filters = filters_of(entries)
    parameters = _parameters(entries, len(filters))
    data = _unpacked(raw, filters[:-1], parameters[:-1])
    return Photograph(_BARE[filters[-1]](data), Name(filters[-1]), parameters[-1])


def shared_part(entries: Object) -> Stream | None:
    """What several pictures of JBIG2 have in common, which is a stream of its own."""
    said = entries.get(Name.DecodeParms)
    numbers = list(said)[-1] if isinstance(said, Array) and len(said) else said
    found = numbers.get(Name.JBIG2Globals) if isinstance(numbers, Dictionary) else None
    return found if isinstance(found, Stream) else None


def _unpacked(raw: bytes, filters: list[str], parameters: list[Dictionary | None]) -> bytes:
    """Without what is packed around it; empty if that cannot be taken off."""
    outer = [(name, of) for name, of in zip(filters, parameters, strict=True) if name != "/Crypt"]
    if not outer:
        return raw
    with contextlib.suppress(PikepdfError), Pdf.new() as scratch:
        names, numbers = Array([Name(name) for name, _ in outer]), Array([of for _, of in outer])
        packed = scratch.make_stream(raw, Filter=names, DecodeParms=numbers)
        return packed.read_bytes(StreamDecodeLevel.specialized)
    return b""


def _parameters(entries: Object, count: int) -> list[Dictionary | None]:
    said = entries.get(Name.DecodeParms)
    several = list(said) if isinstance(said, Array) else [said]
    numbers = [_numbers(each) for each in several[:count]]
    return numbers + [None] * (count - len(numbers))


def _numbers(said: Object | None) -> Dictionary | None:
    if not isinstance(said, Dictionary):
        return None
    numbers = {key: int(value) for key, value in said.items() if isinstance(value, int | Integer)}
    shared = said.get(Name.JBIG2Globals)
    return Dictionary(numbers | ({"/JBIG2Globals": shared} if isinstance(shared, Stream) else {}))
