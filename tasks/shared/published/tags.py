"""What the tags of sounds, films and documents say of persons and places, by the bytes that containers keep them in."""

import re
from collections.abc import Iterator
from typing import Literal

_PLACE = re.compile(rb"([+-]\d{2}\.\d{3,8})([+-]\d{3}\.\d{3,8})")
"""ISO 6709, as telephones write it."""

_NAMES = rb"comment|contact|location|description|encoded[-_ ]?by|organi[sz]ation|owner|engineer|copyright"
_VORBIS = re.compile(rb"(?is)(....)((?:%b)=)" % _NAMES)
_MATROSKA = re.compile(rb"(?is)\x45\xa3[\x80-\xff](?:%b)(?:.{0,12}?)\x44\x87([\x80-\xff]|[\x40-\x7f].)" % _NAMES)
_MP4 = re.compile(rb"(?s)(?:\xa9cmt|\xa9enc|\xa9cpy|desc|ldes|cprt|ownr)(....)data\0\0\0[\0\1]....")
_QUICKTIME = re.compile(rb"(?s)(?:\xa9cmt|\xa9enc|\xa9cpy|\xa9des|\xa9inf)(\0[\1-\xff])..")
_RIFF = re.compile(rb"(?s)(?:ICMT|ITCH|IENG|ICOP)(.{3}\0)")
_AIFF = re.compile(rb"(?s)(?:ANNO|AUTH|\(c\) )(\0\0..)")
_3GPP = re.compile(rb"(?s)loci\0{4}..[^\0]{0,200}\0.(.{4})(.{4})")
_ID3_FRAMES = frozenset({b"COMM", b"TXXX", b"PRIV", b"TENC", b"TOWN", b"UFID", b"TCOP"})
_ID3_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_DATA_HEAD_BYTES = 16

_MEASURED: tuple[tuple[re.Pattern[bytes], Literal["big", "little"], int], ...] = (
    (_MP4, "big", _DATA_HEAD_BYTES),
    (_QUICKTIME, "big", 0),
    (_RIFF, "little", 0),
    (_AIFF, "big", 0),
)
"""Texts that follow their length, how its bytes are ordered, and how many of it are none of the text's."""

_PDF = re.compile(
    rb"(?s)/(?:Author|Creator|Producer|Company|Manager)\s*(?:\(((?:[^()\\]|\\.){1,400})\)|<([0-9A-Fa-f\s]{2,800})>)"
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def in_tags(data: bytes) -> Iterator[str | float]:
    """Texts, and degrees of latitude and longitude."""
    for place in _PLACE.finditer(data):
        yield from map(float, place.groups())
    for place in _3GPP.finditer(data):
        yield from (int.from_bytes(angle, "big", signed=True) / 65536 for angle in place.groups())
    for found in _VORBIS.finditer(data):
        yield _text(data, found.start(2), int.from_bytes(found[1], "little")).partition("=")[2]
    for found in _MATROSKA.finditer(data):
        marker = 1 << (7 * len(found[1]))
        yield _text(data, found.end(), int.from_bytes(found[1], "big") - marker)
    for pattern, order, head_bytes in _MEASURED:
        for found in pattern.finditer(data):
            yield _text(data, found.end(), int.from_bytes(found[1], order) - head_bytes)
    yield from _in_id3(data)
    yield from _in_pdf(data)


def _text(data: bytes, start: int, length: int) -> str:
    return data[start : start + max(0, length)].decode("utf-8", "ignore").strip("\0 ")


def _in_id3(data: bytes) -> Iterator[str]:
    if not data.startswith(b"ID3"):
        return
    version, at, end = data[3], 10, 10 + _seven_bits(data[6:10])
    while at + 10 <= end and data[at : at + 4].strip(b"\0"):
        raw = data[at + 4 : at + 8]
        length = _seven_bits(raw) if version > 3 else int.from_bytes(raw, "big")  # noqa: PLR2004 - ID3v2.4's way
        if data[at : at + 4] in _ID3_FRAMES:
            yield from _id3_texts(data[at + 10 : at + 10 + length])
        at += 10 + length


def _id3_texts(body: bytes) -> Iterator[str]:
    """Of all there is in a frame: a language, a heading, a text."""
    encoding = _ID3_ENCODINGS[body[0]] if body[:1] < b"\4" and body else "latin-1"
    for part in re.split(rb"\0\0|\xff\xfe|\xfe\xff" if "16" in encoding else rb"\0", body[1:]):
        yield part.decode("utf-16-le" if "16" in encoding else encoding, "ignore").strip("\0 ")


def _seven_bits(raw: bytes) -> int:
    return sum(byte << 7 * place for place, byte in enumerate(reversed(raw)))


def _in_pdf(data: bytes) -> Iterator[str]:
    if not data.startswith(b"%PDF-"):
        return
    for plain, hexadecimal in _PDF.findall(data):
        raw = _from_hexadecimal(hexadecimal) if hexadecimal else _ESCAPED.sub(rb"\1", plain)
        yield raw.decode("utf-16", "ignore") if raw[:2] in {b"\xfe\xff", b"\xff\xfe"} else raw.decode("latin-1")


def _from_hexadecimal(digits: bytes) -> bytes:
    text = b"".join(digits.split()).decode()
    return bytes.fromhex(text + "0" * (len(text) % 2))
