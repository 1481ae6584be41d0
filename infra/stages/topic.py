"""What the settings of one subject are: a frozen struct beside the constructs that read them.

A field has its default, its help and the bounds that an editor can check in one place; `problems` has all other checks.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

Problem = tuple[str, str]
"""The name of a field, and what is wrong with it."""


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a stage in stages.toml. A setting whose value switches it off has that as its default."""

    def problems(self) -> Iterator[Problem]:
        """What AWS would refuse, or what would lose data."""
        yield from ()


def help_of(field: FieldInfo) -> str:
    """What a setting means."""
    return next((str(each.description) for each in _meta(field) if each.description), "")


def example_of(field: FieldInfo) -> Any:
    """A value that it may have."""
    return next((each.examples[0] for each in _meta(field) if each.examples), None)


def choices(field: FieldInfo) -> list[Any]:
    """The values that it may have, where there are only so many."""
    return [value for part in _parts(field.type) if get_origin(part) is Literal for value in get_args(part)]


def nested(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """The settings of the table, or of each table of the list, that it has as its value."""
    found = (part for part in _parts(field.type) if isinstance(part, type) and issubclass(part, msgspec.Struct))
    return {inner.encode_name: inner for struct in found for inner in fields(struct)}


def _meta(field: FieldInfo) -> tuple[msgspec.Meta, ...]:
    return getattr(field.type, "__metadata__", ())


def _parts(kind: Any) -> Iterator[Any]:
    yield kind
    for part in get_args(kind):
        yield from _parts(part)
