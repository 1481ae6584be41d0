"""Which modules go into a function's package, and what a change of them does to its digest."""

from pathlib import Path

import pytest

from infra.functions import sources
from infra.functions.packaging import requirements
from infra.functions.sources import PROJECT_ROOT, closure, digest, handler_modules, imported_names
from workflow.kinds import KINDS
from workflow.limits import BY_KIND, FUNCTIONS, TASKS, task_of

OF_LONG_VIDEOS = {"split_video", "convert_part", "join_video"}
ENGINE_OF_VIDEOS = (
    "tasks/transform/video/",
    "tasks/transform/media.py",
    "tasks/transform/boxes.py",
    "tasks/transform/mixing.py",
    "tasks/transform/national.py",
    "tasks/transform/peaks.py",
    "tasks/transform/places.py",
    "tasks/transform/witness.py",
    "tasks/transform/__init__.py",
)
ENGINES = {"av", "duckdb", "pikepdf", "pypdfium2", "python-calamine", "zstandard", "pillow-heif"}
ENGINES_OF = {
    "image": {"pillow-heif"},
    "table": {"duckdb", "python-calamine", "zstandard"},
    "video": {"av"},
    "audio": {"av", "pillow-heif"},
    "document": {"pikepdf", "pypdfium2"},
    "archive": {"zstandard"},
}
"""What a function may pay for. Pictures in sound files go through the image path."""


def names(paths: set[Path]) -> set[str]:
    return {path.relative_to(PROJECT_ROOT).as_posix() for path in paths}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_gets_its_handler_and_the_packages_around_it(function: str) -> None:
    task, _ = task_of(function)
    assert {"tasks/__init__.py", f"tasks/{task}/__init__.py", f"tasks/{task}/handler.py"} <= names(
        closure(handler_modules(function))
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", BY_KIND)
def test_function_of_a_kind_gets_its_module_though_it_is_imported_by_name(task: str, kind: str) -> None:
    packed = names(closure(handler_modules(f"{task}_{kind}")))
    assert packed & {f"tasks/{task}/{kind}.py", f"tasks/{task}/{kind}/__init__.py"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_gets_nothing_of_other_tasks_and_nothing_that_is_for_build_time(function: str) -> None:
    others = {f"tasks/{other}/" for other in TASKS if other != task_of(function)[0]}
    build_time = {"infra/", "workflow/ingest", "workflow/asl"}
    packed = names(closure(handler_modules(function)))
    if function in OF_LONG_VIDEOS:
        packed = {name for name in packed if not name.startswith(ENGINE_OF_VIDEOS)}
    assert not [name for name in packed if name.startswith((*others, *build_time))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", BY_KIND)
def test_function_of_a_kind_gets_no_engine_of_another(task: str, kind: str) -> None:
    wanted = set(requirements(f"{task}_{kind}").with_suffix(".in").read_text().split())
    assert wanted & ENGINES <= ENGINES_OF[kind]


def test_imports_inside_functions_count_and_those_for_the_type_checker_do_not(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import for_the_type_checker\n"
        "def late():\n    from package import member\n"
    )
    assert imported_names(module) == {"typing", "typing.TYPE_CHECKING", "package", "package.member"}


def test_missing_module_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"tasks\.no_such_task\.handler"):
        closure(["tasks.no_such_task.handler"])


def test_digest_follows_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PROJECT_ROOT", tmp_path)
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("1")
    other.write_text("2")
    before = digest([one, other])
    assert digest([other, one]) == before
    other.write_text("3")
    assert digest([one, other]) != before
    other.write_text("2")
    assert digest([one, other]) == before
    assert digest([one, other.rename(tmp_path / "renamed.py")]) != before
