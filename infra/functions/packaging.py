"""Builds the Lambda packages: just what each function imports, from wheels for Lambda's platform, without Docker.

`python -m infra.functions.packaging` builds all of them and tells their sizes.
What they require is pinned by infra/functions/pins.py. boto3 is not packed: Lambda's Python runtime has it.
"""

import os
import shutil
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import uv

from infra.functions import sources
from workflow.limits import BIG_FILE_TASK, FUNCTIONS

CACHE = Path(os.environ.get("SLUICE_STATE_DIR", sources.PROJECT_ROOT / ".sluice")) / "packages"
REQUIREMENTS = sources.PROJECT_ROOT / "tasks" / "requirements"
BUILD_TOOLS = REQUIREMENTS / "build-tools.txt"
"""What a package without a wheel is built with."""
SHARED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "plain": (
            *("api", "archive", "audit", "continue_restored", "intake", "notify", "quarantine", "record_failure"),
            *("report_batch", "store_metadata", "sweep", "telemetry", "webhook"),
        ),
        "film": ("convert_part", "join_video", "split_video", "transform_video"),
        "labelled_preview": ("thumbnail_archive", "thumbnail_audio", "thumbnail_table"),
    }
)
"""Sets of requirements that several functions have; each of the others has its own, of its name."""
FORMAT = "1"
"""Part of every package's name in the cache: raise it whenever the same inputs are to give another zip."""

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
USELESS_SUFFIXES = frozenset({".pyc", ".pyi"})
INSTALLER_FILES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"})
SCRIPTS = "bin"


class PackagingError(Exception):
    """uv could not lock or install the requirements of a function; the message holds what it printed."""


@dataclass(frozen=True)
class Platform:
    """Where a package is to run, in uv's words."""

    machine: str
    python: str


LAMBDA = Platform("aarch64-manylinux_2_28", "3.13")
"""Amazon Linux 2023 on Graviton. A manylinux of an older glibc would silently give years-old wheels."""


def build_all() -> dict[str, Path]:
    """The package of every function."""
    return {function: build(function) for function in FUNCTIONS}


def build(function: str, platform: Platform = LAMBDA, cache: Path = CACHE) -> Path:
    """The function's zip, whose name and bytes follow from its inputs; `cache` keeps the latest one."""
    modules = sources.closure(sources.handler_modules(function))
    inputs = sources.digest({*modules, requirements(function)}, platform.machine, platform.python, FORMAT)
    package = cache / f"{function}-{inputs[:32]}.zip"
    if not package.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = _build(function, modules, platform, Path(folder))
            for outdated in cache.glob(f"{function}-*.zip"):
                outdated.unlink()
            built.rename(package)
    return package


def lock_all() -> None:
    """Pin what each set's `.in` names and all that this needs, with hashes, in its `.txt`.

    The versions are pyproject.toml's, which uv reads by itself.
    """
    options = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--upgrade", "--quiet"]
    for locked in sorted({requirements(function) for function in (*FUNCTIONS, BIG_FILE_TASK)}):
        files = ["-o", str(locked), str(locked.with_suffix(".in"))]
        run_uv("pip", "compile", *_platform_options(LAMBDA), *options, *files)


def requirements(function: str) -> Path:
    """A function's pinned requirements, which functions that import the same share."""
    name = next((name for name, functions in SHARED.items() if function in functions), function)
    return REQUIREMENTS / f"{name}.txt"


def unpacked_bytes(package: Path) -> int:
    """What Lambda counts against its limit of 250 MB."""
    with zipfile.ZipFile(package) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _build(function: str, modules: Iterable[Path], platform: Platform, folder: Path) -> Path:
    content, package = folder / "content", folder / "package.zip"
    options = ["--target", str(content), "--require-hashes", "--no-deps", "--quiet", "-r", str(requirements(function))]
    options += ["--build-constraints", str(BUILD_TOOLS)]
    run_uv("pip", "install", *_platform_options(platform), *options, cwd=Path(folder.anchor))
    for module in modules:
        copy = content / module.relative_to(sources.PROJECT_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, copy)
    _zip(content, package)
    return package


def _zip(content: Path, package: Path) -> None:
    """Sorted names, one date, two modes: the same content always gives the same bytes."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in content.rglob("*") if path.is_file() and _is_of_use(path, content)):
            entry = zipfile.ZipInfo(path.relative_to(content).as_posix(), ZIP_EPOCH)
            entry.create_system = 3  # Unix, whatever this machine is: so that the modes count
            entry.external_attr = (stat.S_IFREG | (0o755 if ".so" in path.suffixes else 0o644)) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _is_of_use(path: Path, content: Path) -> bool:
    return (
        path.suffix not in USELESS_SUFFIXES
        and path.name not in INSTALLER_FILES
        and path.relative_to(content).parts[0] != SCRIPTS
    )


PURE_SOURCE = "pyvips"
"""Has no wheel, and nothing to compile where no libvips is found."""
NO_LIBVIPS = {"PKG_CONFIG": "false"}
"""Keeps its build from looking for one."""


def _platform_options(platform: Platform) -> list[str]:
    wheels = ["--only-binary", ":all:", "--no-binary", PURE_SOURCE]
    return ["--python-platform", platform.machine, "--python-version", platform.python, *wheels]


def run_uv(*arguments: str, cwd: Path = sources.PROJECT_ROOT) -> str:
    """What uv prints. It takes the settings of the project that it runs in: ours, which pin every version.

    An installed Sluice may lie within somebody else's.
    """
    command = [uv.find_uv_bin(), "--no-python-downloads", *arguments]
    done = subprocess.run(command, cwd=cwd, env=os.environ | NO_LIBVIPS, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise PackagingError(f"`uv {' '.join(arguments)}` failed:\n{done.stderr}")
    return done.stdout


def main() -> None:
    for function, package in build_all().items():
        print(f"{function:<20}{unpacked_bytes(package) / 1e6:6.1f} MB, zipped {package.stat().st_size / 1e6:5.1f} MB")


if __name__ == "__main__":
    main()
