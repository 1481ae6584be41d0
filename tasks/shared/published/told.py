"""What the record and the sidecar may tell of an original's secrets: nothing, wherever it is not its own heading."""

import math
import re
from collections.abc import Iterator
from typing import Any

from tasks.shared.published.secrets import Secrets

_CLOSE_DEGREES = 1e-4
"""Some ten metres."""

_NAMES_ONE = re.compile(r"[\s\d@]")
"""Of several words or with digits; a single word may be one of ours, too."""

_HEADINGS = frozenset(
    {"title", "artist", "album", "album_artist", "composer", "performer", "publisher", "track", "genre", "date"}
    | {"make", "model", "lens", "Make", "Model", "LensMake", "LensModel", "color_profile"}
)
"""What is told of every file, be it what the file says elsewhere, too."""


def faults_of_told(told: Any, secrets: Secrets, heading: str = "") -> Iterator[str]:
    """One sentence's end for each secret that is told."""
    if isinstance(told, dict):
        for key, value in told.items():  # pyright: ignore[reportUnknownVariableType]
            yield from faults_of_told(value, secrets, str(key))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(told, list | tuple):
        for value in told:  # pyright: ignore[reportUnknownVariableType]
            yield from faults_of_told(value, secrets, heading)
    elif isinstance(told, str) and heading not in _HEADINGS:
        if any(text == told or (text in told and _NAMES_ONE.search(text)) for text in secrets.texts):
            yield f"in {heading!r} what the file says of a person, a place or a device"
    elif isinstance(told, float) and any(math.isclose(abs(told), at, abs_tol=_CLOSE_DEGREES) for at in secrets.degrees):
        yield f"in {heading!r} where it was taken"
