"""The pages that people read, and which of the names in them are of nothing: commands, settings, files, anchors, …"""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from infra.stages.read import RENAMED, TOPICS
from workflow.operator.cli.commands import COMMANDS, load
from workflow.operator.docs.pages import anchors

ROOT = Path(__file__).parents[2]
HISTORY = "CHANGELOG.md"
"""Names what there was."""
PAGES: Mapping[str, str] = {
    str(path.relative_to(ROOT)): path.read_text()
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md")
    for path in sorted(ROOT.glob(pattern))
}
OF_OTHERS = frozenset(
    {"CloudTrail", "DescribeStateMachineForExecution", "FailedInvocations", "FilterLogEvents", "LocalStack"}
    | {"MockConfigFile", "PutParameter", "RestoreObject"}
)
"""AWS's names and other projects', of which our code has no need."""

_BLOCK = re.compile(r"```.*?```", re.DOTALL)
_COMMANDS = re.compile(r"```(?:sh|bash)\n(.*?)```|`(sluice [^`]+)`", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
_TO_A_PAGE = re.compile(r"`docs/([\w-]+\.md)#([\w-]+)`")
_PATH = re.compile(r"(?:workflow|tasks|infra|tests|docs)/[\w./-]*")
_FILE = re.compile(r"[\w-]+\.(?:py|md|yml|guard)")
_SNAKE = re.compile(r"(?<![\w/.-])[a-z]+(?:_[a-z0-9]+)+(?![\w/-])")
_CAMEL = re.compile(r"(?<![\w/#.:…])[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+\b")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_SETTING = re.compile(r"(\w+)\.(\w+)(?:\.\w+)*")


def unknown(page: str, text: str) -> Iterator[str]:
    """What a page names that does not exist."""
    prose = _BLOCK.sub("", text.partition("## Renamed settings")[0])
    yield from _wrong_commands(text)
    yield from _dead_links(page, text)
    yield from (f"module {each}" for each in re.findall(r"python -m ([\w.]+)", text) if not _is_module(each))
    yield from (f"poe {each}" for each in re.findall(r"\bpoe ([a-z]+)\b", text) if each not in tasks())
    yield from (f"variable {each}" for each in re.findall(r"\bSLUICE_[A-Z_]+", text) if each not in words())
    yield from (each for each in _CAMEL.findall(_LINK.sub("", prose)) if each not in words() | OF_OTHERS)
    for span in re.findall(r"`([^`\n]+)`", prose):
        yield from _unknown_in_span(span)


def _unknown_in_span(span: str) -> Iterator[str]:
    yield from (each for each in _SNAKE.findall(span) if each not in words())
    if span in RENAMED:
        yield f"{span}, which is {RENAMED[span]}"
    if (
        _KEBAB.fullmatch(span.removeprefix("sluice-dev-"))
        and span.removeprefix("sluice-dev-") not in code()
        and span not in anchors(PAGES["docs/runbook.md"])
    ):
        yield span
    if _PATH.fullmatch(span) and not (ROOT / span).exists():
        yield span
    if _FILE.fullmatch(span) and not any(path.endswith(f"/{span}") for path in paths()):
        yield span
    setting = _SETTING.fullmatch(span)
    if setting and setting[1] in TOPICS and setting[2] not in TOPICS[setting[1]].__struct_encode_fields__:
        yield f"setting {span}"


def shown_commands(text: str) -> list[str]:
    text = " \n".join(block or inline for block, inline in _COMMANDS.findall(text)).replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if re.match(r"\s*(uv run )?sluice \w", line)]


def _wrong_commands(text: str) -> Iterator[str]:
    for line in shown_commands(text):
        words_of_it = shlex.split(line.removeprefix("uv run ").partition(" -- ")[0], comments=True)[1:]
        if words_of_it[0] not in COMMANDS:
            yield line
            continue
        parameters = load(words_of_it[0]).params
        options = {option for each in parameters for option in (*each.opts, *each.secondary_opts)} | {"--help"}
        yield from (f"{line}: {word}" for word in words_of_it if word.startswith("--") and word not in options)


def _dead_links(page: str, text: str) -> Iterator[str]:
    for target, anchor in _LINK.findall(text):
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        if not path.exists():
            yield f"link to {target}"
        elif anchor and anchor not in anchors(text if path == ROOT / page else path.read_text()):
            yield f"link to {target}#{anchor}"
    for name, anchor in _TO_A_PAGE.findall(text):
        if anchor not in anchors(PAGES[f"docs/{name}"]):
            yield f"docs/{name}#{anchor}"


def _is_module(name: str) -> bool:
    return find_spec(name) is not None


@cache
def tasks() -> frozenset[str]:
    """Those of poe."""
    return frozenset(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["poe"]["tasks"])


@cache
def paths() -> list[str]:
    folders = ("workflow", "tasks", "infra", "tests", "docs", ".github")
    return [f"/{path.relative_to(ROOT)}" for name in folders for path in (ROOT / name).rglob("*") if path.is_file()]


@cache
def code(*, tests: bool = True) -> str:
    """Of the product and its tests, without the old names of settings and what looks for wrong names."""
    endings = {".py", ".toml", ".yml", ".js", ".css", ".guard", ".in"}
    apart = {Path(__file__), Path(__file__).with_name("test_docs.py"), ROOT / "infra/stages/read.py"}
    files = {ROOT / path.removeprefix("/") for path in paths() if tests or not path.startswith("/tests/")} - apart
    return "\n".join(each.read_text() for each in (ROOT / "pyproject.toml", *sorted(files)) if each.suffix in endings)


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", code()))
