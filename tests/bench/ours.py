"""Sluice's side of the bench: does the work of Transform, its proofs and Thumbnail on each file that a line names.

`python -m tests.bench.ours` reads a media type and a path a line and answers with what it took, as the peers do.
With `--no-previews` it leaves Thumbnail out.
"""

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks.shared.published import prove_files
from tasks.shared.work import Encoded, Original, Recipe, Rendered
from tests.cpu import cpu_ms
from workflow.kinds import KINDS

RECIPE = Recipe()


def kind_of(media_type: str) -> str:
    return next(name for name, kind in KINDS.items() if media_type.partition("+")[0] in kind.formats)


def transformed(path: Path, media_type: str, scratch: Path) -> Rendered:
    """With its proofs, as before it is published."""
    kind: Any = import_module(f"tasks.transform.{kind_of(media_type)}")
    original = Original(path, path.name, media_type, scratch)
    rendered = kind.transform(original, RECIPE)
    if hasattr(kind, "prove"):
        kind.prove(original, rendered, RECIPE)
    prove_files(rendered.files)
    return rendered


def drawn(rendered: Rendered, media_type: str, scratch: Path) -> int:
    """The bytes of the previews, made of what the kind's preview is drawn from."""
    kind: Any = import_module(f"tasks.thumbnail.{kind_of(media_type)}")
    names = (kind.DRAWN_FROM,) if isinstance(kind.DRAWN_FROM, str) else kind.DRAWN_FROM
    file = next(file for name in names for file in rendered.files if file.name == name)
    path = file.path if not isinstance(file, Encoded) else scratch / "drawn-from"
    if isinstance(file, Encoded):
        path.write_bytes(file.data)
    previews = kind.preview(path)
    prove_files(previews.files)
    return sum(len(each.data) for each in previews.files)


def measured(media_type: str, path: Path, *, previews: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        started = cpu_ms()
        rendered = transformed(path, media_type, Path(folder))
        size = drawn(rendered, media_type, Path(folder)) if previews else 0
        spent = cpu_ms() - started
        made = rendered.files[0]
        bytes_made = len(made.data) if isinstance(made, Encoded) else made.path.stat().st_size
        return {"cpu_ms": spent, "bytes": bytes_made, "previews": size}


def main() -> None:
    previews = "--no-previews" not in sys.argv
    for line in sys.stdin:
        media_type, _, path = line.rstrip("\n").partition(" ")
        print(json.dumps(measured(media_type, Path(path), previews=previews)), flush=True)


if __name__ == "__main__":
    main()
