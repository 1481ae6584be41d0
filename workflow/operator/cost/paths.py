"""The states that a file visits, by what becomes of it. A Standard workflow costs one transition for each."""

from collections.abc import Iterator

from workflow.names import task_name

SUCCEEDED = ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive")
REJECTED = ("Validate", "Transform", "Quarantine", "Rejected")
"""Most are found out by their content; what Validate rejects takes one state less."""
DUPLICATE = ("Validate", "Duplicate")

_LONG = ("SplitVideo", "ConvertVideo", "JoinVideo")
_PART = "ConvertPart"
_NO_WORK = {"Rejected", "Duplicate", "ConvertVideo"}


def long_video(parts: int) -> tuple[str, ...]:
    """Transform hands over to the states that convert in parts; the Map's own state counts, too."""
    split, convert, join = _LONG
    return (*SUCCEEDED[:2], split, convert, *[_PART] * parts, join, *SUCCEEDED[2:])


def tasks(path: tuple[str, ...]) -> Iterator[str]:
    """The tasks that a path's states invoke, in order."""
    return (task_name(state) for state in path if state not in _NO_WORK)
