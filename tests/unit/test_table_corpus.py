"""Hundreds of odd tables: each is converted or rejected, in bounded time and memory, and nothing else.

The files are the test tables of frictionless, csvkit and agate, from their source packages. Name a folder that may keep
them in SLUICE_CORPUS, then: pytest -m corpus.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.corpus import unpacked

pytestmark = [pytest.mark.corpus, pytest.mark.enable_socket, pytest.mark.timeout(1200)]

PACKAGES = {"frictionless": ("5.21.0", 250), "csvkit": ("2.2.0", 80), "agate": ("1.14.2", 25)}
"""The version, and how many of its files are taken for tables at least."""

KNOWN_OUTCOMES = {"converted", "TooManyBadRows", "CorruptTable", "TooManyColumns"}
MAX_PEAK_MB = 512

CHILD = """
import json, resource, sys, tempfile
from pathlib import Path
from tasks.thumbnail.table import preview
from tasks.transform.table import transform
from tasks.sniffing.sniff import TABLES, sniff
from tasks.shared.work import Original, Recipe
from workflow.errors import RejectedError

def judge(path, scratch):
    content = path.read_bytes()
    media_type = sniff(content[:65536], content[-65536:], len(content), name=path.name).media_type
    if media_type.partition("+")[0] not in TABLES:
        return "no table"
    rendered = transform(Original(path, path.name, media_type, scratch), Recipe())
    json.dumps(rendered.technical, allow_nan=False)
    assert len(json.dumps(rendered.facts, allow_nan=False)) <= 4096
    preview(rendered.files[-1].path)
    return "converted"

for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = judge(Path(line.strip()), Path(folder))
        except RejectedError as exc:
            outcome = type(exc).__name__
        except BaseException as exc:
            outcome = f"ESCAPED {exc!r}"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"file": line.strip(), "outcome": outcome, "peak_mb": peak_mb}), flush=True)
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_table_is_converted_or_rejected(package):
    files = tables(package)
    child = subprocess.run(
        [sys.executable, "-c", CHILD], input="\n".join(map(str, files)), capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in child.stdout.splitlines()]
    assert len(answers) == len(files)
    outcomes = {answer["file"]: answer["outcome"] for answer in answers if answer["outcome"] != "no table"}
    print(package, {outcome: list(outcomes.values()).count(outcome) for outcome in sorted(set(outcomes.values()))})
    assert {file: outcome for file, outcome in outcomes.items() if outcome not in KNOWN_OUTCOMES} == {}
    assert len(outcomes) >= PACKAGES[package][1]
    assert answers[-1]["peak_mb"] < MAX_PEAK_MB


def tables(package: str) -> list[Path]:
    source = unpacked(package, PACKAGES[package][0])
    folders = [source / name for name in ("data", "examples")]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
