"""Makes a stage's settings from what a person wrote, strictly: all mistakes are told at once, each with its place."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import msgspec
from msgspec.structs import FieldInfo, fields, replace

from infra.stages.locate import Path, line_of
from infra.stages.settings import Settings
from infra.stages.topic import Topic, choices, help_of, nested

STAGE_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?")
"""It is part of the names of stacks, roles and functions, whose length AWS bounds."""
RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "archive_lock": "archive.lock_mode",
        "archive_lock_days": "archive.lock_days",
        "archive_storage_class": "archive.storage_class",
        "archive_tiers": "archive.tiers",
        "audit_lock_days": "audit_trail.lock_days",
        "keep_private": "files.publish_private_metadata",
        "live_settings_seconds": "functions.live_settings_cache_ttl_seconds",
        "most_failures": "rollout.max_failures",
        "request_queue": "ways_in.request_queue_concurrency",
        "requests_at_once": "ways_in.http_api.burst",
        "sweep_every_minutes": "sweeper.every_minutes",
        "sweep_older_than_minutes": "sweeper.older_than_minutes",
        "warm": "functions.provisioned_concurrency",
    }
)
"""Names of earlier versions, wherever they stood."""
TYPES = {"array": "a list", "bool": "true or false", "int": "a whole number", "object": "a table", "str": "text"}
"""What msgspec calls by their names in JSON."""
TOPICS: Mapping[str, type[Topic]] = MappingProxyType(
    {each.name: each.type for each in fields(Settings) if each.name != "stage"}
)


class SettingsError(ValueError):
    """A stage that does not exist, or whose settings AWS would refuse or that would lose data."""


class Problem(NamedTuple):
    """What is wrong with the value at `path`, which begins with the name of the stage."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{dotted(self.path)} {self.text}"


def read(text: str, name: str, *, unsaid: Iterable[Settings] = ()) -> dict[str, Settings]:
    """The stages of a file that is called `name`, or an error that names each wrong line.

    What a stage leaves `unsaid` is as in its settings here, if any; else it is the default.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"{name} is not TOML: {exc}") from exc
    bases = {each.stage: each for each in unsaid}
    made = {stage: _stage(bases.get(stage, Settings(stage=stage)), topics) for stage, topics in given.items()}
    problems = sorted((line_of(text, problem.path), problem) for _settings, found in made.values() for problem in found)
    if problems:
        lines = (f"\n  line {line}: {problem}" for line, problem in problems)
        raise SettingsError(f"{name} has settings that cannot be:{''.join(lines)}")
    return {stage: settings for stage, (settings, _) in made.items()}


def make(stage: str, given: Mapping[str, Any]) -> Settings:
    """The settings of one stage, from what the tables of its topics say."""
    settings, problems = _stage(Settings(stage=stage), given)
    if problems:
        raise SettingsError(f"Settings of stage {stage!r}: {'; '.join(map(str, problems))}.")
    return settings


def dotted(path: Path) -> str:
    """As TOML has it, with the places in lists."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _stage(base: Settings, given: Any) -> tuple[Settings, list[Problem]]:
    """With what is given; where there are problems, the settings are only as good as what could be read."""
    stage, problems = base.stage, list[Problem]()
    if not STAGE_NAME.fullmatch(stage):
        problems.append(Problem((stage,), "is no name of a stage: up to 24 lower-case letters, digits and hyphens"))
    if not isinstance(given, Mapping):
        return base, [*problems, Problem((stage,), f"must be a table: [{stage}]")]
    topics: dict[str, Topic] = {}
    for name, said in cast("Mapping[str, Any]", given).items():
        if name in TOPICS:
            topics[name], found = _topic((stage, name), getattr(base, name), said)
            problems += found
        else:
            problems.append(_unknown((stage, name), TOPICS))
    settings = replace(base, **topics)
    if not problems:
        problems += (Problem((stage, topic, field), text) for topic, field, text in settings.problems())
    return settings, problems


def _topic(path: Path, base: Topic, given: Any) -> tuple[Topic, list[Problem]]:
    if not isinstance(given, Mapping):
        return base, [Problem(path, f"must be a table: [{dotted(path)}]")]
    known = {each.encode_name: each for each in fields(base)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in cast("Mapping[str, Any]", given).items():
        if name not in known:
            problems.append(_unknown((*path, name), known))
            continue
        try:
            values[known[name].name] = msgspec.convert(value, known[name].type)
        except msgspec.ValidationError as exc:
            problems.append(_refused((*path, name), exc, known[name], value))
    made = replace(base, **values)
    return made, problems or [Problem((*path, field), text) for field, text in made.problems()]


def _unknown(path: Path, known: Iterable[str]) -> Problem:
    """By its present name, its topic, or a name like it; where there is nothing like it, by all names."""
    name = str(path[-1])
    if name in RENAMED:
        return Problem(path, f"is called {RENAMED[name]} now")
    if elsewhere := [topic for topic, kind in TOPICS.items() if name in kind.__struct_fields__]:
        return Problem(path, f"belongs into [{path[0]}.{elsewhere[0]}]")
    alike = difflib.get_close_matches(name, [*known], n=1)
    hint = f"did you mean {alike[0]}?" if alike else f"there are {', '.join(known)}"
    return Problem(path, f"is no setting; {hint}")


def _refused(path: Path, exc: msgspec.ValidationError, field: FieldInfo, value: Any) -> Problem:
    """In words, with what was found there."""
    text, _, place = str(exc).partition(" - at `$")
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        path = (*path, name or int(index))
        value = value[name or int(index)]
        field = nested(field).get(name, field)
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", text):
        return _unknown((*path, unknown[1]), nested(field))
    if text.startswith("Invalid enum value"):
        return Problem(path, f"must be one of {', '.join(map(str, choices(field)))}, not {value!r}")
    if text.startswith("Object missing required field"):
        return Problem(path, f"needs {text.rpartition(' ')[2]}")
    said = re.sub(r"`(\w+)(?: \| null)?`", lambda found: TYPES.get(found[1], found[0]), text.partition(", got ")[0])
    return Problem(path, f"{said.replace('Expected', 'must be')}, not {value!r}. {help_of(field)}".rstrip(". "))
