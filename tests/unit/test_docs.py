"""What README and docs show is true: commands, options, codes, links."""

import re
import shlex
from pathlib import Path

import pytest

from workflow.operator.cli.commands import COMMANDS, load
from workflow.operator.docs.pages import anchors

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"```(?:sh|bash)\n(.*?)```|`(sluice [^`]+)`", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def shown_commands(page: Path) -> list[str]:
    text = " \n".join(block or inline for block, inline in CODE.findall(page.read_text())).replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if re.match(r"\s*(uv run )?sluice \w", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists_with_its_options(page):
    for line in shown_commands(page):
        words = shlex.split(line.removeprefix("uv run ").partition(" -- ")[0], comments=True)[1:]
        command = load(words[0])
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target, _ in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_heading(page):
    links = [(page.parent / target if target else page, anchor) for target, anchor in LINK.findall(page.read_text())]
    assert [(to.name, anchor) for to, anchor in links if anchor and anchor not in anchors(to.read_text())] == []


def test_messages_name_pages_and_headings_that_are_there():
    folders = (ROOT / "workflow", ROOT / "tasks", ROOT / "infra")
    code = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    named = set(re.findall(r"docs/([\w-]+\.md)#([\w-]+)", code))
    assert named
    assert {
        (page, anchor) for page, anchor in named if anchor not in anchors((ROOT / "docs" / page).read_text())
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page):
    named = re.findall(r"`((?:workflow|tasks|infra|tests|docs)/[\w./-]*)`", page.read_text())
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_every_command_is_documented():
    text = "".join(page.read_text() for page in PAGES)
    assert {name for name in COMMANDS if f"sluice {name}" not in text} <= {"status", "asl"}
