"""Compiles what is in a package: Lambda keeps no bytecode, so that each cold start would make it again.

It takes an interpreter of the functions' version, for others read no such bytecode. Where this machine has none,
packages go without: they do the same, and take longer to start.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import uv

DEPLOYED_TO = "/var/task"
"""Where Lambda unpacks it: tracebacks name files as if they had been compiled there."""

_TOLD = "import sys; print(sys.implementation.name, sys.version)"
_OPTIONS = ("-m", "compileall", "-q", "-f", "-j", "1", "--invalidation-mode", "unchecked-hash")


@cache
def interpreter(version: str) -> tuple[Path, str] | None:
    """A CPython of this version, as in "3.13", and all that it says of its build; None where there is none."""
    for path in _candidates(version):
        told = _told(path)
        if told.startswith(f"cpython {version}."):
            return path, told
    print(f"Packages go without bytecode: no Python {version} was found. Put python{version} on PATH.", file=sys.stderr)
    return None


def compile_all(content: Path, compiler: Path) -> None:
    """Every module in the folder; sources that are no Python of that version, as some tests are, stay as they are.

    The same sources give the same bytes, whatever their dates: their hash is in the bytecode, and nobody looks it up.
    """
    command = [str(compiler), "-I", *_OPTIONS, "-s", str(content), "-p", DEPLOYED_TO, str(content)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603 - a constant command


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    yield from (Path(folder, f"python{version}") for folder in os.get_exec_path())
    yield from sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}*/bin/python")
    )
    done = subprocess.run([uv.find_uv_bin(), "python", "dir"], capture_output=True, text=True, check=False)  # noqa: S603
    yield from sorted(Path(done.stdout.strip()).glob(f"cpython-{version}*/bin/python{version}"))


def _told(path: Path) -> str:
    """What it says of itself; nothing, if it is none or only leads to one that is not there."""
    if not path.is_file():
        return ""
    done = subprocess.run([str(path), "-I", "-c", _TOLD], capture_output=True, text=True, check=False)  # noqa: S603
    return " ".join(done.stdout.split())
