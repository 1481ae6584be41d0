"""Thousands of odd and hostile files: each is rendered or rejected, in bounded time and memory, and nothing else.

The files are the test images of Pillow and pillow_heif, from their source packages. Name a folder that may keep them
in SLUICE_CORPUS, then: pytest -m corpus.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.corpus import unpacked

pytestmark = [pytest.mark.corpus, pytest.mark.enable_socket, pytest.mark.timeout(1800)]

PACKAGES = {"pillow": "13.0.0", "pillow_heif": "1.8.1"}
MIN_FILES = {"pillow": 900, "pillow_heif": 60}
MAX_PEAK_MB = 1200
FILES_PER_CHILD = 100
MAX_SECONDS_PER_CHILD = 300

CHILD = """
import json, resource, sys
from pathlib import Path
from tasks.thumbnail.image import preview
from tasks.transform.image import transform
from tasks.validate.inspect import inspect
from tasks.shared.work import Original, Recipe
from workflow.errors import RejectedError

def judge(path, scratch):
    content = path.read_bytes()
    ends = {"head": content[:65536], "tail": content[-65536:]}
    verdict = inspect(key=path.name, size=len(content), declared_type="", **ends)
    original = Original(path, path.name, verdict.media_type, scratch.parent)
    rendered = transform(original, Recipe(formats=("webp", "jpeg"), publish_private=True))
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)
    scratch.write_bytes(rendered.files[0].data)
    preview(scratch)
    return "rendered"

for line in sys.stdin:
    print(json.dumps({"file": line.strip()}), flush=True)
    try:
        outcome = judge(Path(line.strip()), Path(sys.argv[1]))
    except RejectedError as exc:
        outcome = type(exc).__name__
    except BaseException as exc:
        outcome = f"ESCAPED {exc!r}"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"outcome": outcome, "peak_mb": peak_mb}), flush=True)
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_rendered_or_rejected(package, tmp_path):
    files = images(package)
    assert len(files) >= MIN_FILES[package]
    outcomes: dict[str, str] = {}
    while waiting := [file for file in files if str(file) not in outcomes]:
        outcomes.update(judged(waiting[:FILES_PER_CHILD], tmp_path / "rendition"))
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in sorted(set(outcomes.values()))}
    print(package, counts)
    escaped = {file: outcome for file, outcome in outcomes.items() if outcome.isupper() or " " in outcome}
    assert not escaped


def images(package: str) -> list[Path]:
    return sorted(path for path in unpacked(package, PACKAGES[package]).glob("[Tt]ests/images/**/*") if path.is_file())


def judged(files: list[Path], scratch: Path) -> Iterator[tuple[str, str]]:
    """Outcomes by file; a child that dies or hangs is an outcome of the file that it had in hand."""
    command = [sys.executable, "-c", CHILD, str(scratch)]
    lines = "\n".join(map(str, files))
    try:
        child = subprocess.run(
            command, input=lines, capture_output=True, text=True, check=False, timeout=MAX_SECONDS_PER_CHILD
        )
        answer, fate = child.stdout, "DIED"
        assert answer, child.stderr
    except subprocess.TimeoutExpired as exc:
        answer, fate = (exc.stdout or b"").decode(), "HUNG"
    current = ""
    for line in map(json.loads, answer.splitlines()):
        if "file" in line:
            current = line["file"]
            continue
        yield current, f"TOOK {line['peak_mb']:.0f} MB" if line["peak_mb"] > MAX_PEAK_MB else line["outcome"]
        current = ""
    if current:
        yield current, fate
