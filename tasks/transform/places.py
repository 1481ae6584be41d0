"""Tells whether a text gives a position on Earth, in any of the ways in which devices and people write one."""

import re

_NUMBER = r"[-+]?\d{1,3}\.\d"
_HALF = rf"{_NUMBER}{{4,}}"
_WAYS = (
    r"(?<![\d.])[-+]\d{1,3}(?:\.\d+)?[-+]\d{1,3}(?:\.\d+)?(?:[-+]\d+(?:\.\d+)?)?(?:CRS\w*)?/",  # ISO 6709
    rf"(?<![\d.]){_HALF}\s*[°º]?\s*[NSEWO]?\s*[,;/|&\s]\s*[NSEWO]?\s*{_HALF}(?![\d.])",
    r"\d{1,3}\.\d{3,}\s*[°º]?\s*[NSEWO]\b",
    r"\b[NSEWO]\s*[:=]?\s*\d{1,3}\.\d{3,}",
    r"\d{1,3}\s*[°º]\s*\d{1,2}(?:\.\d+)?\s*['′’´]",
    r"(?i:\b(?:gps|gnss|lat|latitude|lng|lon|longt?itude|coords?|coordinates?)\b[^\w\n]{0,6}[-+]?\d+(?:\.\d|\s*[°º,]))",
    r"(?i:\b(?:gps|gnss|lat|latitude|lng|lon|long|longt?itude)\s*[:=(]\s*[-+]?\d)",
    r"\$G[ABLNPQ][A-Z]{3},",  # NMEA 0183
    r"\b\d{1,2}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{2}\s?\d{3,5}\s?\d{3,5}\b",  # MGRS
    r"\b\d{1,2}[C-HJ-NP-X]\s+\d{6}\s+\d{7}\b",  # UTM
    r"\b[2-9CFGHJMPQRVWX]{8}\+[2-9CFGHJMPQRVWX]{2,3}\b",  # Open Location Code
    r"\bgeo:[-+]?\d",  # RFC 5870
    r"(?i:\bmaps\.(?:google|apple|app)\b|google\.[a-z.]+/maps|goo\.gl/maps|openstreetmap\.org|\bwhat3words\.com)",
)
_PLACE = re.compile("|".join(_WAYS))


def tells_place(text: str) -> bool:
    """Whether coordinates are in it, or a link to a map."""
    return _PLACE.search(text) is not None
