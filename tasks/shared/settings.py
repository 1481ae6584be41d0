"""Settings of a function: one typed shape each, read from the environment when the function starts."""

import os
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def from_environment(shape: type[T]) -> T:
    """Field `table_name` comes from TABLE_NAME; a missing or ill-typed one stops the function at its start."""
    names = {field.name: field.name.upper() for field in msgspec.structs.fields(shape)}
    return msgspec.convert(
        {field: os.environ[name] for field, name in names.items() if name in os.environ}, shape, strict=False
    )
