"""Which commit a version of the state machine says that it is."""

import json
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from infra.release import versions

DEFINITION = json.dumps({"Comment": "Sluice", "StartAt": "Only", "States": {}})


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree of one module and one page, both committed."""
    monkeypatch.setattr(versions, "PROJECT_ROOT", tmp_path)
    for name in ("workflow", "tasks", "infra", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "log", "-1", "--format=%h").strip()


def test_revision_is_the_last_commit_of_what_is_deployed(tree):
    (tree / "tasks" / "file").write_text("other code")
    code = commit(tree)
    (tree / "docs" / "file").write_text("another page")
    commit(tree)
    assert versions.source_revision() == code


def test_changes_that_are_not_committed_show(tree):
    clean = versions.source_revision()
    (tree / "infra" / "file").write_text("not committed")
    assert versions.source_revision() == f"{clean}+"


def test_the_revision_of_what_git_does_not_know_is_its_version(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "PROJECT_ROOT", tmp_path)
    assert versions.source_revision() == metadata.version("sluice")


def test_a_definition_changes_with_its_revision_and_only_then():
    assert json.loads(versions.stamped(DEFINITION, "1a2b3c4"))["Comment"] == "Sluice (1a2b3c4)"
    assert versions.stamped(DEFINITION, None) == DEFINITION
