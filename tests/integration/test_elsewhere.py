"""The demo where there is neither AWS's native runtime client nor /proc, as on macOS: no such machine is at hand."""

import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from sysconfig import get_path

import pytest

from infra.local.runtime.lambda_runtime import NATIVE_CLIENT
from infra.local.samples import SAMPLES
from tests.integration.conftest import LocalStack

WITHOUT_PROC = """
import os, sys

def refuse(event, arguments):
    if event == "open" and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", arguments[0])

def stat(path, *arguments, real=os.stat, **options):
    if str(path).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", path)
    return real(path, *arguments, **options)

sys.addaudithook(refuse)
os.stat = stat
"""


@pytest.fixture(scope="session")
def sluice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `sluice` with the packages that are installed here, but for that client, in a Python that finds no /proc."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for installed in Path(get_path("purelib")).iterdir():
        if not installed.name.startswith(f"{NATIVE_CLIENT}."):
            (packages / installed.name).symlink_to(installed)
    (packages / "sitecustomize.py").write_text(WITHOUT_PROC)
    command = folder / "bin" / "sluice"
    command.write_text(f"#!{folder / 'bin' / 'python'}\nfrom workflow.operator.cli import main\nmain()\n")
    command.chmod(0o755)
    return command


def test_what_is_missing_there_is_missing(sluice: Path) -> None:
    program = (
        "import importlib.util, infra.local.runtime.lambda_runtime as runtime; "
        "print(importlib.util.find_spec(runtime.NATIVE_CLIENT), runtime.enforces_memory())"
    )
    told = subprocess.run([sluice.with_name("python"), "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["None", "False"]


def test_the_demo_ends_well(start_stack: Callable[..., LocalStack], sluice: Path) -> None:
    result = start_stack("elsewhere", sluice).json("demo")
    assert result["ok"]
    assert len(result["files"]) == len(SAMPLES) + 1
