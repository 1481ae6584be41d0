"""docs/settings.md, from the settings' own structs."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import FieldInfo, fields

from infra.stages.read import RENAMED, TOPICS
from infra.stages.starter import default_of, toml
from infra.stages.topic import choices, help_of, nested
from workflow.operator.formatting import table

INTRODUCTION = """\
# Settings

A stage is a table of `stages.toml` in the folder from which you deploy, or in the nearest one above; each of the
headings below is one of its tables. What is not there has its default. `sluice init my-ingest` makes such a folder,
with every setting as a comment, and a schema by which editors complete and check them. Without a `stages.toml` the
stages are Sluice's own: `local`, `dev`, `staging` and `prod`.

```toml
[prod.storage]
retain_data = true

[prod.ways_in]
http_api = { requests_per_second = 100, burst = 200 }
```

The file is yours: no version of Sluice writes to it. It is checked before anything is synthesized, and each mistake is
told with its line. A stage's name has up to 24 lower-case letters, digits and hyphens. `[local]` replaces the stage
of the laptop, which is there without it, but for `storage.old_indexes` unless it is named. `SLUICE_STAGES_FILE` names
another file.
"""
RENAMES = """\
## Renamed settings

A setting that has been renamed is refused with its new name.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(line for topic in TOPICS for line in _topic(topic)), RENAMES, _renames()]) + "\n"


def _topic(name: str) -> Iterator[str]:
    kind = TOPICS[name]
    yield f"## {name}"
    yield ""
    yield _linked(kind.__doc__ or "")
    yield ""
    rows = (row for field in fields(kind) for row in _setting(field, ""))
    yield table(("setting", "may be", "default", "means"), rows)
    yield ""


def _setting(field: FieldInfo, within: str) -> Iterator[tuple[str, ...]]:
    name = f"{within}{field.encode_name}"
    yield f"`{name}`", _may_be(field), _default(field), _linked(help_of(field))
    for inner in nested(field).values():
        yield from _setting(inner, f"{name}.")


def _may_be(field: FieldInfo) -> str:
    found = _schema(field)
    if values := choices(field):
        return ", ".join(f"`{value}`" for value in values)
    kind = found.get("type", "object")
    if kind == "integer":
        return f"{found['minimum']} to {found['maximum']}" if "maximum" in found else f"{found['minimum']} or more"
    return {"boolean": "`true`, `false`", "string": "text", "array": "a list", "object": "a table"}[kind]


def _schema(field: FieldInfo) -> dict[str, Any]:
    (found,), _definitions = msgspec.json.schema_components([field.type])
    return found


def _default(field: FieldInfo) -> str:
    if field.required:
        return "none: it is needed"
    return "none" if field.default is None else f"`{toml(default_of(field))}`"


def _linked(text: str) -> str:
    """With links where it names pages."""
    return re.sub(r"docs/([\w-]+\.md)(#[\w-]+)?", r"[\1](\1\2)", " ".join(text.split()))


def _renames() -> str:
    return table(("was", "is"), ((f"`{old}`", f"`{new}`") for old, new in RENAMED.items()))
