"""Tags of sound and video whose encoding nobody says: read where it can be told, and left out where it cannot.

ID3v1 has none, and the older of ID3v2 say Latin-1 of whatever the computer of the day wrote.
"""

from collections.abc import Mapping

_USUAL_MARKS = frozenset("’‘“”–—…°·«»¡¿£€§©®™´ª\xa0\xad")
_MAX_ACCENTED_SHARE, _FEW_LETTERS = 0.6, 3
"""No language of the Latin alphabet has more letters with accents than that; single words may."""

_FIRST_CONTROL, _AFTER_CONTROLS = "\x80", "\xa0"
_UNTOLD = "\ufffd"


def readable(text: str) -> str | None:
    """A tag as it is to be read; None where it only makes sense in an encoding that is not told.

    Bytes that were not UTF-8 are surrogates in it.
    """
    if text.isascii():
        return text
    if _UNTOLD in text:
        return None
    stored = text.encode("utf-8", "surrogateescape")
    try:
        return _without_accident(stored.decode())
    except UnicodeDecodeError:
        return _western(stored)


def unreadable(*sources: Mapping[str, str]) -> list[str]:
    """The names of tags that are left out, in lower case."""
    return sorted({name.lower() for source in sources for name, text in source.items() if readable(text) is None})


def unreadable_note(*sources: Mapping[str, str]) -> tuple[str, ...]:
    """One note, or none."""
    names = unreadable(*sources)
    return (f"tags in an encoding that cannot be told are left out: {', '.join(names)}",) if names else ()


def _without_accident(text: str) -> str | None:
    """Text in Unicode, some of which was made of bytes that were no Latin-1."""
    if max(text) >= "\u0100":
        return text
    stored = text.encode("latin-1")
    try:
        return stored.decode()
    except UnicodeDecodeError:
        if any(_FIRST_CONTROL <= letter < _AFTER_CONTROLS for letter in text):
            return _western(stored)
        return text if _is_latin(text) else None


def _western(stored: bytes) -> str | None:
    """By Windows' western code page, if that makes sense."""
    try:
        text = stored.decode("cp1252")
    except UnicodeDecodeError:
        return None
    makes_sense = all(letter.isascii() or letter.isalpha() or letter in _USUAL_MARKS for letter in text)
    return text if makes_sense and _is_latin(text) else None


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    accented = sum(not letter.isascii() for letter in letters)
    return len(letters) <= _FEW_LETTERS or accented <= _MAX_ACCENTED_SHARE * len(letters)
