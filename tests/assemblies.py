"""The stages' templates, synthesized once for all tests and runs, until something changes that they are made from."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coverage import Coverage

from infra.functions import sources
from infra.local import assembly
from infra.release import toolchain
from infra.stages.stages import BUILT_IN

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "") if Coverage.current() else ""
"""A run that measures coverage synthesizes anew, or what it does then would count as untested."""
SHARED = sources.PROJECT_ROOT / ".pytest_cache" / "assemblies" / RUN
INFRA = Path(__file__).with_name("infra")


def local_assembly(state_dir: Path) -> None:
    """Leave in `state_dir` what `sluice up` would synthesize, if it would."""
    if assembly.shipped(assembly.inputs_digest()):
        return
    with _one_at_a_time("local"):
        assembly.templates(SHARED)
        shutil.copytree(SHARED / "assembly", state_dir / "assembly")


def all_stages() -> Path:
    """The folder that has one for every stage."""
    return _synthesized("stages", "tests.infra.synthesize", "synthesize.py", "variants.py")


def combined_stages() -> Path:
    """The folder that has one for every combination of settings: minutes of work."""
    return _synthesized("combinations", "tests.infra.combinations", "combinations.py", "synthesize.py")


def _synthesized(name: str, program: str, *made_of: str) -> Path:
    ours = [*(INFRA / each for each in made_of), BUILT_IN]
    folder = SHARED / name / sources.digest(ours, assembly.inputs_digest())[:32]
    with _one_at_a_time(name):
        if not folder.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            scratch = folder.with_name("scratch")
            subprocess.run(
                [sys.executable, "-m", program, str(scratch)],
                cwd=sources.PROJECT_ROOT,
                env=toolchain.environment(),
                check=True,
            )
            scratch.rename(folder)
    return folder


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    """Among pytest-xdist's workers."""
    SHARED.mkdir(parents=True, exist_ok=True)
    with (SHARED / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
