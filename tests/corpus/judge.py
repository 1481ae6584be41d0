"""One file through the states' own code, in their order: how it ended, and what was made."""

import json
import tempfile
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks.shared.published import prove_files, prove_nothing_private
from tasks.shared.published.secrets import Secrets, secrets_of
from tasks.shared.work import Encoded, Original, Recipe, Rendered
from tasks.validate.inspect import Verdict, check_name_and_size, inspect
from tests.corpus.expected import faults, is_to_be_looked_at
from workflow.errors import RejectedError, ResultNotProven, ThumbnailError

PROBE_BYTES = 64 * 1024
CONTENT_IS_TOLD = {"table", "archive"}
SUCCEEDED, REJECTED, NOT_PROVEN, NO_PREVIEW, ESCAPED = "succeeded", "rejected", "not proven", "no preview", "escaped"


@dataclass(frozen=True)
class Outcome:
    """`end` is one of the words above; `faults` are what is known of the file and not so."""

    kind: str
    end: str
    said: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_to_be_looked_at: bool = False


def judge(path: Path, checks: dict[str, Any]) -> dict[str, Any]:
    """The outcome as JSON has it."""
    kind = "none"
    try:
        verdict = accepted(path)
        kind = verdict.kind
        outcome = made(path, verdict, checks)
    except RejectedError as exc:
        code = type(exc).__name__
        outcome = Outcome(kind, REJECTED, f"{code}: {exc}", faults_of_refusal(checks, code))
    except ResultNotProven as exc:
        outcome = Outcome(kind, NOT_PROVEN, str(exc))
    except Exception as exc:  # noqa: BLE001 - it is told
        outcome = Outcome(kind, ESCAPED, repr(exc))
    return asdict(outcome)


def accepted(path: Path) -> Verdict:
    size = path.stat().st_size
    check_name_and_size(path.name, size)
    with path.open("rb") as file:
        head = file.read(PROBE_BYTES)
        file.seek(max(0, size - PROBE_BYTES))
        tail = file.read()
    return inspect(key=path.name, size=size, declared_type="", head=head, tail=tail)


def made(path: Path, verdict: Verdict, checks: dict[str, Any]) -> Outcome:
    kind: Any = import_module(f"tasks.transform.{verdict.kind}")
    with tempfile.TemporaryDirectory() as folder:
        original, recipe = Original(path, path.name, verdict.media_type, Path(folder)), Recipe()
        rendered: Rendered = kind.transform(original, recipe)
        if hasattr(kind, "prove"):
            kind.prove(original, rendered, recipe)
        prove_told(original, rendered, verdict.kind)
        names = [getattr(each, "name", "") for each in kind.members(path, depth=1)] if hasattr(kind, "members") else []
        found, unsaid = faults(checks, rendered, names), is_to_be_looked_at(checks, rendered)
        notes = [*verdict.notes, *rendered.facts.get("notes", [])]
        try:
            draw(verdict.kind, rendered, Path(folder, "rendition"))
        except ThumbnailError as exc:
            return Outcome(verdict.kind, NO_PREVIEW, str(exc), found, notes, unsaid)
        return Outcome(verdict.kind, SUCCEEDED, "", found, notes, unsaid)


def prove_told(original: Original, rendered: Rendered, kind: str) -> None:
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)
    with original.path.open("rb") as stream:
        size = original.path.stat().st_size
        prove_nothing_private(rendered, Secrets() if kind in CONTENT_IS_TOLD else secrets_of(stream, size))


def draw(kind: str, rendered: Rendered, path: Path) -> None:
    module: Any = import_module(f"tasks.thumbnail.{kind}")
    names = (module.DRAWN_FROM,) if isinstance(module.DRAWN_FROM, str) else module.DRAWN_FROM
    file = next(file for name in names for file in rendered.files if file.name == name)
    path.write_bytes(file.data if isinstance(file, Encoded) else file.path.read_bytes())
    prove_files(module.preview(path).files)


def faults_of_refusal(checks: dict[str, Any], code: str) -> list[str]:
    if checks.get("status", "rejected") not in {"rejected", "any"}:
        return [f"is good, and was rejected as {code}"]
    expected = checks.get("code", code)
    return [] if expected == code else [f"should be {expected}, is {code}"]
