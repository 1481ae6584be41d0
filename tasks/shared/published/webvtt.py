"""What may be in a published WebVTT: cues, and in none a position."""

import html
import re
from collections.abc import Iterator
from typing import BinaryIO

_TIMES = re.compile(r"(?:\d{2,}:)?\d\d:\d\d\.\d{3} --> (?:\d{2,}:)?\d\d:\d\d\.\d{3}")
_POSITION = re.compile(r"[-+]?\d{1,3}\.\d{4,}\D{1,6}[-+]?\d{1,3}\.\d{4,}")
_NAMED_POSITION = re.compile(r"\b(?:latitude|longt?itude|gps|gnss)\b[^\w\n]{0,6}[-+]?\d+\.\d", re.IGNORECASE)


def faults_of_webvtt(stream: BinaryIO) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    try:
        text = stream.read().decode("utf-8")
    except UnicodeDecodeError:
        yield "text that is no UTF-8"
        return
    first, *blocks = re.split(r"\n{2,}", text.strip("\n"))
    if first != "WEBVTT":
        yield "more in the header than there has to be"
    for block in blocks:
        times, _, said = block.partition("\n")
        if not _TIMES.fullmatch(times):
            yield "a block that is no caption"
        said = html.unescape(said)
        if _POSITION.search(said) or _NAMED_POSITION.search(said):
            yield "a caption that tells a position"
