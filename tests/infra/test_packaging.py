"""The Lambda packages. Building them needs a package registry: `pytest -m packages`."""

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import boto3
import pytest

from infra.functions import bytecode, packaging, sources
from infra.functions.packaging import LAMBDA, Platform, build, requirements, unpacked_bytes
from tests.unit.cloud import ENVIRONMENT
from workflow.limits import FUNCTIONS, task_of

FROM_RUNTIME = {"boto3", "botocore"}
LOADED_BY = {"pyvips": {"pyvips-binary"}}
"""Libraries that another one loads by itself, where they are installed."""
LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024
HERE = Platform("x86_64-manylinux_2_28", f"{sys.version_info.major}.{sys.version_info.minor}")
PINNED = re.compile(r"^([a-z0-9-]+)==\S+ \\$", re.MULTILINE)


owners = cache(packages_distributions)


def imported_distributions(task: str) -> set[str]:
    return imported_distributions_of(sources.handler_modules(task))


def imported_distributions_of(names: list[str]) -> set[str]:
    """Names on the package registry of what modules import, but for what Lambda's runtime has."""
    modules = {name.partition(".")[0] for path in sources.closure(names) for name in sources.imported_names(path)}
    third_party = {m for m in modules if m not in sys.stdlib_module_names and not sources.is_first_party(m)}
    named = {owners()[module][0].lower().replace("_", "-") for module in third_party - FROM_RUNTIME}
    return named.union(*(LOADED_BY.get(name, set()) for name in named))


def wanted(task: str) -> set[str]:
    return set(requirements(task).with_suffix(".in").read_text().split())


@pytest.mark.parametrize("task", FUNCTIONS)
def test_requirements_are_exactly_what_the_function_imports(task: str) -> None:
    assert wanted(task) == imported_distributions(task)


@pytest.mark.parametrize("task", FUNCTIONS)
def test_requirements_are_pinned_with_hashes(task: str) -> None:
    locked = requirements(task).read_text()
    assert wanted(task) <= set(PINNED.findall(locked))
    assert len(re.findall(r"==", locked)) == len(PINNED.findall(locked))


@pytest.mark.parametrize("task", FUNCTIONS)
def test_requirements_name_no_place_to_download_from(task: str) -> None:
    assert "://" not in requirements(task).read_text()


@pytest.mark.parametrize("task", FUNCTIONS)
def test_boto3_is_left_to_the_runtime(task: str) -> None:
    assert not FROM_RUNTIME & set(PINNED.findall(requirements(task).read_text()))


def test_each_set_of_requirements_is_said_once_and_used() -> None:
    sets = {path.stem: path.read_text() for path in packaging.REQUIREMENTS.glob("*.in")}
    assert len({*sets.values()}) == len(sets)
    assert {requirements(function).stem for function in (*FUNCTIONS, packaging.BIG_FILE_TASK)} == sets.keys()
    assert {path.stem for path in packaging.REQUIREMENTS.glob("*.txt")} == {*sets, packaging.BUILD_TOOLS.stem}


def test_what_uv_says_is_told_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "requirements", lambda _task: sources.PROJECT_ROOT / "tasks" / "missing.txt")
    monkeypatch.setattr(sources, "digest", lambda *_inputs: "0" * 64)
    with pytest.raises(packaging.PackagingError, match=r"missing\.txt"):
        build("notify", cache=tmp_path)


@dataclass(frozen=True)
class Built:
    task: str
    package: Path


@pytest.fixture(params=list(FUNCTIONS))
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Built:
    """A package for this machine, from an empty cache."""
    return Built(request.param, build(request.param, HERE, tmp_path / "cache"))


@pytest.mark.packages
def test_handler_can_be_imported_from_its_package_and_boto3_alone(built: Built, tmp_path: Path) -> None:
    content = tmp_path / "content"
    with zipfile.ZipFile(built.package) as package:
        package.extractall(content)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        (runtime / name).symlink_to(Path(boto3.__file__).parents[1] / name)
    kinds = [m for m in sources.handler_modules(built.task) if not m.endswith(".handler")]
    task, _ = task_of(built.task)
    program = (
        f"import sys; sys.path[:0] = [{str(content)!r}, {str(runtime)!r}]; "
        "sys.path = [p for p in sys.path if not p.endswith('-packages')]; import importlib; "
        f"handler = importlib.import_module('tasks.{task}.handler'); assert callable(handler.handle); "
        f"[importlib.import_module(name) for name in {kinds!r}]; "
        f"assert handler.__file__.startswith({str(content)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-ISc", program],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.packages
@pytest.mark.parametrize("task", ["notify", "transform_image", "thumbnail_document"])
def test_same_input_gives_the_same_bytes(task: str, tmp_path: Path) -> None:
    first, again = (build(task, HERE, tmp_path / cache) for cache in ("one", "another"))
    assert again.name == first.name
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.packages
@pytest.mark.parametrize("task", FUNCTIONS)
def test_package_for_lambda_is_for_arm_and_far_below_the_limit(task: str, tmp_path: Path) -> None:
    package = build(task, LAMBDA, tmp_path)
    with zipfile.ZipFile(package) as archive:
        native = [name for name in archive.namelist() if ".so" in Path(name).suffixes]
        assert native
        assert not [name for name in native if "x86" in name]
        assert {archive.read(name)[18] for name in native} == {0xB7}, "ELF's machine: AArch64"
    assert unpacked_bytes(package) < LAMBDA_LIMIT_BYTES * 0.8


@pytest.mark.packages
def test_unchanged_package_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build("notify", HERE, tmp_path)
    monkeypatch.setattr(packaging, "subprocess", None)
    assert build("notify", HERE, tmp_path) == first


@pytest.mark.packages
@pytest.mark.timeout(1800)
def test_cdk_synthesizes_for_aws_without_credentials_and_without_a_system_node(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    with_us = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["cdk", "synth", "-c", "stage=dev", "--quiet", "--output", str(tmp_path / "cdk.out")],
        cwd=sources.PROJECT_ROOT,
        env=with_us | {"PATH": f"{Path(sys.executable).parent}:{tools}", "AWS_CONFIG_FILE": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assets = {path.name.partition(".")[2] for path in (tmp_path / "cdk.out").glob("asset.*.zip")}
    assert len(assets) == len(FUNCTIONS)


def compiled(folder: Path, dated: int) -> Path:
    """A module with a set and a fault in it, compiled where it is."""
    folder.mkdir()
    module = folder / "module.py"
    module.write_text("NAMES = frozenset({'a', 'b', 'c', 'd'})\n\n\ndef fail():\n    raise LookupError\n")
    os.utime(module, (dated, dated))
    bytecode.compile_all(folder, Path(sys.executable))
    (made,) = folder.glob("__pycache__/*.pyc")
    return made


def test_the_same_sources_give_the_same_bytecode_whatever_their_dates_and_place(tmp_path: Path) -> None:
    one, two = compiled(tmp_path / "one", 1_000_000_000), compiled(tmp_path / "two", 1_700_000_000)
    assert one.read_bytes() == two.read_bytes()


def test_bytecode_is_used_whatever_the_dates_of_the_sources_become(tmp_path: Path) -> None:
    """Those in a package are unpacked with others than they were compiled with."""
    compiled(tmp_path / "content", 1_000_000_000)
    (tmp_path / "content" / "module.py").write_text("never compiled, never read (")
    program = "import module, traceback\ntry: module.fail()\nexcept LookupError: traceback.print_exc()"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path / "content", capture_output=True, text=True, check=False)
    assert 'module.py", line 5, in fail' in done.stderr


def test_where_there_is_no_such_python_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert bytecode.interpreter("3.999") is None
    assert "no Python 3.999 was found" in capsys.readouterr().err
    assert bytecode.interpreter(HERE.python) == (Path(sys.executable), f"cpython {' '.join(sys.version.split())}")


@pytest.mark.packages
def test_every_module_of_a_package_has_its_bytecode(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("notify", HERE, tmp_path)) as package:
        names = {*package.namelist()}
    ours = [Path(name) for name in names if name.endswith(".py") and name.startswith(("tasks/", "workflow/"))]
    tag = sys.implementation.cache_tag
    assert ours
    assert {f"{each.parent}/__pycache__/{each.stem}.{tag}.pyc" for each in ours} <= names
