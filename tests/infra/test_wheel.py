"""The wheel, installed where there is no checkout: a `sluice` that works in any folder.

Its packages come from uv's cache, or from the package registry: `pytest -m packages`.
"""

import http
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import requests
from packaging.utils import canonicalize_name

from infra.functions.packaging import run_uv
from infra.local.samples import SAMPLES
from tests.infra.test_pins import pinned
from tests.ports import free_port
from workflow.limits import FUNCTIONS
from workflow.operator.console.advice import read_runbook
from workflow.operator.docs import pages

pytestmark = [pytest.mark.packages, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Installed:
    """An environment that is not active, and an empty folder to work in."""

    environment: Path
    folder: Path
    tools: Path
    installed: set[str] = field(default_factory=set)
    """What is beside its sources."""

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def packages(self) -> Path:
        (found,) = self.environment.glob("lib/python*/site-packages")
        return found

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A `sluice` command of somebody who has neither uv nor Node, nor an account."""
        given = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLUICE_"))}
        nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return subprocess.Popen(
            [str(self.environment / "bin" / "sluice"), *arguments],
            cwd=self.folder,
            env=given | nothing | {"PATH": str(self.tools)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str) -> Any:
        command = self.start(*arguments, "--json")
        told, problems = command.communicate()
        assert command.returncode == 0, f"{told}\n{problems}"
        return json.loads(told)


@pytest.fixture(scope="module")
def sluice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("wheel")
    installed = Installed(folder / "environment", folder / "work", folder / "tools")
    installed.folder.mkdir()
    installed.tools.mkdir()
    (installed.tools / "sh").symlink_to("/bin/sh")
    run_uv("build", "--wheel", "--quiet", "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    run_uv("venv", "--quiet", "--python", sys.executable, str(installed.environment))
    run_uv("pip", "install", "--quiet", "--python", str(installed.python), str(wheel), cwd=folder)
    installed.installed.update(each.name for each in installed.packages.iterdir())
    yield installed
    installed.start("down", "--wipe").communicate()


@pytest.fixture(scope="module")
def demo(sluice: Installed) -> dict[str, Any]:
    """What the demo says; its stack goes on running."""
    return sluice.json("demo", "--port", str(free_port()))


def test_it_takes_the_versions_that_everything_was_tested_with(sluice: Installed) -> None:
    found = {canonicalize_name(each.name): each.version for each in distributions(path=[str(sluice.packages)])}
    del found["sluice"]
    assert found == {name: version for name, version in pinned().items() if name in found}
    assert "pytest" not in found


def test_the_demo_ends_well(demo: dict[str, Any]) -> None:
    assert demo["ok"]
    assert len(demo["files"]) == len(SAMPLES) + 1


@pytest.mark.usefixtures("demo")
def test_the_console_answers(sluice: Installed) -> None:
    options = ("--no-open", "--port", str(free_port()), "--json")
    with sluice.start("console", *options) as console, requests.Session() as web:
        assert console.stdout is not None
        told = "".join(iter(console.stdout.readline, "}\n")) + "}"
        page = web.get(json.loads(told)["url"])
        console.terminate()
    assert page.status_code == http.HTTPStatus.OK
    assert "Overview · Sluice" in page.text


def test_the_console_has_advice(sluice: Installed) -> None:
    program = "from workflow.operator.console.advice import read_runbook; print(read_runbook('throttled'))"
    told = subprocess.run([sluice.python, "-c", program], cwd=sluice.folder, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(read_runbook("throttled"))


def test_its_pages_are_those_of_the_checkout(sluice: Installed) -> None:
    assert sluice.json("docs") == pages.titles()
    assert sluice.json("docs", "docs/operating.md")["text"] == pages.read("operating")


def test_a_deployment_comes_to_its_templates_and_packages(sluice: Installed) -> None:
    made = sluice.json("deploy", "--stage", "dev", "--dry-run")
    assert {Path(each).name for each in made["templates"]} == {
        f"sluice-dev-{stack}.template.json" for stack in ("pipeline", "storage")
    }
    assembly = Path(made["assembly"])
    assert len([*assembly.glob("asset.*.zip")]) == len(FUNCTIONS)
    assert assembly.is_relative_to(sluice.folder)
    written = {each.name for each in sluice.packages.iterdir()} - sluice.installed - {"__pycache__"}
    assert not written, "it writes to its state folder only"


def test_a_folder_of_ones_own_is_deployed_from(sluice: Installed) -> None:
    sluice.json("init", "own")
    own = replace(sluice, folder=sluice.folder / "own")
    settings = own.folder / "stages.toml"
    settings.write_text(f"{settings.read_text()}\n[acme]\nstorage.retain_data = true\n")
    before = settings.read_bytes()
    made = own.json("deploy", "--stage", "acme", "--dry-run")
    storage = json.loads(Path(made["assembly"], "sluice-acme-storage.template.json").read_text())
    (table,) = (each for each in storage["Resources"].values() if each["Type"] == "AWS::DynamoDB::Table")
    assert table["DeletionPolicy"] == "Retain"
    assert settings.read_bytes() == before


def test_a_mistake_in_ones_own_settings_is_told_with_its_line(sluice: Installed) -> None:
    folder = sluice.folder / "mistaken"
    folder.mkdir()
    (folder / "stages.toml").write_text("[acme]\nkeep_private = true\n")
    _told, problems = replace(sluice, folder=folder).start("deploy", "--stage", "acme", "--dry-run").communicate()
    assert "line 2: acme.keep_private is called files.publish_private_metadata now" in problems
