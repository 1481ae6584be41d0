"""Brings text of any encoding to UTF-8 without marks and NUL bytes, and says what was done.

An encoding that cannot be told for sure is never guessed: other letters would come of it without anybody seeing it.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.transform.encodings import label, tell_encoding
from workflow.errors import CorruptTable
from workflow.units import MIB

PLAIN = "plain"
"""Where a recoded text is, in the scratch folder."""

_PIECE_BYTES = MIB
_HEAD_BYTES = 4096
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZERO_SHARE, _OTHER_ZERO_SHARE = 0.2, 0.05
_MAX_DAMAGED_SHARE = 0.05
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
_HIGH = bytes(range(128, 256))
_SHIFTS = re.compile(rb"\x1b(?:\$[@B]|\(I|\$\(D|(\$\)C))")
"""With which ISO 2022 goes over to the letters of Japan or, where there is a group, of Korea: all bytes are ASCII's."""


@dataclass(frozen=True)
class PlainText:
    """A file in UTF-8; a few of its bytes may not be, if `is_clean` is False. `encoding` is what it was in."""

    path: Path
    encoding: str
    is_clean: bool
    notes: tuple[str, ...] = ()


@dataclass
class _Scan:
    """What one pass over the bytes counts; `shifted` is the encoding of ISO 2022 that they are in, "" for none."""

    is_utf8: bool = True
    nuls: int = 0
    high: int = 0
    multibyte: int = 0
    shifted: str = ""


def plain_text(path: Path, scratch: Path) -> PlainText:
    """The file itself where it is UTF-8 already; raises CorruptTable if its letters cannot be told."""
    marked = _marked_encoding(path)
    if marked and marked != "utf-8-sig":
        return _recoded(path, marked, scratch)
    scan = _scan(path)
    if scan.shifted:
        return _recoded(path, scan.shifted, scratch)
    if not _is_mostly_utf8(scan):
        encoding, note = _legacy_encoding(path)
        return _recoded(path, encoding, scratch, note)
    if scan.nuls or marked:
        return _recoded(path, marked or "utf-8", scratch, is_clean=scan.is_utf8)
    return PlainText(path, "utf-8", is_clean=scan.is_utf8)


def _marked_encoding(path: Path) -> str:
    """By a byte order mark, or by the zero bytes of UTF-16 without one."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")
    if marked or not head:
        return marked
    even, odd = (head[at::2].count(0) / len(head) * 2 for at in (0, 1))
    if odd > _ZERO_SHARE and even < _OTHER_ZERO_SHARE:
        return "utf-16-le"
    return "utf-16-be" if even > _ZERO_SHARE and odd < _OTHER_ZERO_SHARE else ""


def _scan(path: Path) -> _Scan:
    scan, decoder = _Scan(), codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            scan.nuls += piece.count(0)
            if not piece.isascii():
                _count_letters(piece, scan)
            elif not scan.shifted and (shift := _SHIFTS.search(piece)):
                scan.shifted = "iso2022_kr" if shift[1] else "iso2022_jp_ext"
            scan.is_utf8 = scan.is_utf8 and _continues(decoder, piece)
    scan.is_utf8 = scan.is_utf8 and _continues(decoder, b"", final=True)
    scan.shifted = "" if scan.high else scan.shifted
    return scan


def _count_letters(piece: bytes, scan: _Scan) -> None:
    scan.high += len(piece) - len(piece.translate(None, _HIGH))
    scan.multibyte += sum(map(len, _MULTIBYTE.findall(piece)))


def _continues(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_utf8(scan: _Scan) -> bool:
    """UTF-8 with few damaged bytes stays UTF-8, so that the damage is found in its rows."""
    return scan.is_utf8 or scan.high - scan.multibyte <= scan.high * _MAX_DAMAGED_SHARE


def _legacy_encoding(path: Path) -> tuple[str, str]:
    """The encoding, and what people should know of it."""
    with path.open("rb") as file:
        told = tell_encoding(file)
    if told is None:
        raise CorruptTable(
            "The text is neither UTF-8 nor UTF-16, and no other encoding knows all of its bytes. "
            "Save it as UTF-8 and upload it again."
        )
    if not told.is_sure:
        raise CorruptTable(
            f"The text is neither UTF-8 nor UTF-16. It could be {label(told.encoding)} ({told.sureness:.0%}) or "
            f"{label(told.rival)}, which give other letters. Save it as UTF-8 and upload it again."
        )
    return told.encoding, told.note


def _recoded(path: Path, encoding: str, scratch: Path, note: str = "", *, is_clean: bool = True) -> PlainText:
    target, nuls, damaged = scratch / PLAIN, 0, 0
    keeps_bytes = encoding in {"utf-8", "utf-8-sig"}
    with target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        for text in _decoded(path, encoding, "surrogateescape" if keeps_bytes else "replace"):
            nuls += text.count("\0")
            damaged += text.count("\ufffd")
            file.write(text.replace("\0", ""))
    return PlainText(target, encoding, is_clean, (*filter(None, [note]), *_notes(encoding, nuls, damaged)))


def _decoded(path: Path, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _notes(encoding: str, nuls: int, damaged: int) -> tuple[str, ...]:
    said = {
        f"read as {encoding}": encoding.startswith(("utf-16", "utf-32", "iso2022")),
        f"{nuls:,} NUL bytes are left out": nuls,
        f"{damaged:,} characters cannot be decoded and are shown as \ufffd": damaged,
    }
    return tuple(note for note, applies in said.items() if applies)
