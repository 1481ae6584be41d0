"""Which of the project's modules a module imports, read from the source: nothing is imported for it."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from workflow.limits import FUNCTIONS, task_of

PROJECT_ROOT = Path(__file__).resolve().parents[2]
FIRST_PARTY = ("workflow", "tasks", "infra")


def handler_modules(function: str) -> list[str]:
    """The handler of a function and, where it serves one kind, the module that it looks up by the kind's name."""
    task, kind = task_of(function)
    return [f"tasks.{task}.handler", *([f"tasks.{task}.{kind}"] if kind else [])]


def function_files() -> set[Path]:
    """All source files that any function runs."""
    return closure(module for function in FUNCTIONS for module in handler_modules(function))


def closure(modules: Iterable[str]) -> set[Path]:
    """The files of `modules` and of every first-party module that they import, directly or not, anywhere in a file."""
    found: set[Path] = set()
    waiting = [file for module in modules for file in (_required_file(module), *_module_files(module))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in imported_names(path) for file in _module_files(name)]
    return found


def imported_names(path: Path) -> set[str]:
    """Dotted names in the import statements of a file; for `from a import b` both `a` and `a.b`."""
    return {name for node in _executed(ast.parse(path.read_bytes())) for name in _names(node)}


def module_file(name: str) -> Path | None:
    """The file of a first-party module or package."""
    base = PROJECT_ROOT.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None) if is_first_party(name) else None


def is_first_party(name: str) -> bool:
    return name.partition(".")[0] in FIRST_PARTY


def digest(paths: Iterable[Path], *more: str) -> str:
    """SHA-256 over the files' names and contents, and over `more`; the order of `paths` does not matter."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(PROJECT_ROOT).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update("\0".join(more).encode())
    return total.hexdigest()


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, without what only the type checker sees."""
    if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _executed(child)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_files(name: str) -> Iterator[Path]:
    """The module, where it is ours, and the packages around it, which are imported with it."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return (path for prefix in prefixes if (path := module_file(prefix)))


def _required_file(name: str) -> Path:
    path = module_file(name)
    if path is None:
        raise ModuleNotFoundError(f"There is no module {name!r} in {PROJECT_ROOT}.", name=name)
    return path
