"""What belongs to the folder that one works in: there, or in the nearest folder above."""

import os
from collections.abc import Callable
from pathlib import Path


def working_folder() -> Path:
    """Without folders above it, where somebody has removed it under us."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def nearest(name: str | Path, folder: Path, is_there: Callable[[Path], bool]) -> Path | None:
    """The one of this name in `folder`, or above it; one above that belongs to somebody else is none of ours."""
    if is_there(folder / name):
        return folder / name
    above = (parent / name for parent in folder.parents)
    return next((each for each in above if is_there(each) and each.stat().st_uid == os.getuid()), None)
