"""What a folder of one's own begins with: our stages, written out, with every other setting as a comment."""

import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
from msgspec.structs import FieldInfo, fields

from infra.stages import schema
from infra.stages.read import TOPICS
from infra.stages.stages import BUILT_IN, NAME
from infra.stages.topic import example_of, help_of

WIDTH = 100
HEAD = f"""\
#:schema ./{schema.NAME}
# The stages of this folder. The file is yours: no version of Sluice writes to it.
# What is commented out has its default; `sluice docs settings` shows all of it.
# The stage of the laptop needs no table; [local] changes it.
"""
STAGES: Mapping[str, str] = MappingProxyType(
    {
        "dev": "A first account: all ways in are open, a deployment reaches everybody at once, and nothing is kept "
        "when it is deleted. Each setting is here; copy what you need to other stages.",
        "staging": "What prod gets next: as prod, but for what makes one wait or keeps data that nobody needs.",
        "prod": "What must not be lost.",
    }
)
IGNORED = ".sluice/\n"


def write(folder: Path) -> list[Path]:
    """What was written: the schema always, as an editor should know this version; the user's own files only once."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {NAME: text(), ".gitignore": IGNORED}
    files = {name: content for name, content in own.items() if not (folder / name).exists()}
    files[schema.NAME] = schema.text()
    for name, content in files.items():
        (folder / name).write_text(content)
    return [folder / name for name in files]


def text() -> str:
    """The first stages.toml."""
    given = tomllib.loads(BUILT_IN.read_text())
    stages = (_stage(stage, given[stage], whole=stage == "dev") for stage in STAGES)
    return HEAD + "".join(f"{line}\n" for lines in stages for line in lines)


def toml(value: Any) -> str:
    """A value as TOML has it, on one line."""
    if isinstance(value, Mapping):
        pairs = [f"{name} = {toml(each)}" for name, each in cast("Mapping[str, Any]", value).items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, cast('list[Any]', value)))}]"
    return json.dumps(value, ensure_ascii=False)


def _stage(stage: str, given: Mapping[str, Mapping[str, Any]], *, whole: bool) -> Iterator[str]:
    yield ""
    yield from _comment(STAGES[stage])
    yield f"[{stage}]"
    for topic, kind in TOPICS.items():
        said = given.get(topic, {})
        if said or whole:
            yield ""
            yield from _comment(kind.__doc__ or "") if whole else ()
            yield f"[{stage}.{topic}]"
            for field in fields(kind):
                if field.encode_name in said:
                    yield from _comment(help_of(field)) if whole else ()
                    yield f"{field.encode_name} = {toml(said[field.encode_name])}"
                elif whole:
                    unless = " None, unless it is said:" if field.default is None else ""
                    yield from _comment(help_of(field) + unless)
                    yield f"# {field.encode_name} = {toml(default_of(field))}"


def default_of(field: FieldInfo) -> Any:
    """As it would be said in the file; what is off unless it is said has an example."""
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.to_builtins(example_of(field) if value is None else value)


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(text, WIDTH, break_on_hyphens=False))
