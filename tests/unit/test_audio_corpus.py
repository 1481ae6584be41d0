"""The sounds of other libraries' own test suites: each is rendered, or rejected for the right reason.

The files are those of mutagen and hachoir, from their source packages. Name a folder that may keep them in
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

pytestmark = [pytest.mark.corpus, pytest.mark.enable_socket, pytest.mark.timeout(600)]

VERSIONS = {"mutagen": "1.48.1", "hachoir": "3.4.0"}
MIN_FILES = {"mutagen": 90, "hachoir": 100}
MAX_PEAK_MB = 400

CHILD = """
import json, resource, sys, tempfile
from pathlib import Path
from tasks.thumbnail.audio import DRAWN_FROM, preview
from tasks.transform.audio import transform
from tasks.shared.work import Original, Recipe
from workflow.errors import RejectedError

def judge(path, scratch):
    rendered = transform(Original(path, path.name, "", scratch), Recipe(publish_private=True))
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)
    assert len(json.dumps(rendered.facts)) <= 4096
    peaks = scratch / "peaks"
    peaks.write_bytes(next(file.data for file in rendered.files if file.name == DRAWN_FROM))
    preview(peaks)
    return "rendered"

for line in sys.stdin:
    try:
        with tempfile.TemporaryDirectory() as scratch:
            outcome = judge(Path(line.strip()), Path(scratch))
    except RejectedError as exc:
        outcome = type(exc).__name__
    except BaseException as exc:
        outcome = f"ESCAPED {exc!r}"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([line.strip(), outcome, peak_mb]), flush=True)
"""

CUT_OFF = [
    "25min.aifc",
    "hotel_california.flac",
    "ladouce_1h15.wav",
    "52-overwritten-metadata.flac",
    "52-too-short-block-size.flac",
    "apev2-lyricsv2.mp3",
    "flac_application.flac",
    "issue_29.wma",
    "sample_bitrate.oggtheora",
    "sample_length.oggtheora",
    "truncated-64bit.mp4",
    "variable-block.flac",
    "vbri.mp3",
]
"""Their authors kept only the beginning."""

PLAYABLE = [
    "alac.m4a",
    "covr-with-name.m4a",
    "empty.aac",
    "empty.ogg",
    "empty.oggflac",
    "empty.spx",
    "ep7.m4b",
    "example.opus",
    "lame.mp3",
    "no-tags.flac",
    "silence-1.wma",
    "silence-44-s.flac",
    "silence-44-s.mp3",
    "silence-44-s-mpeg25.mp3",
    "xing.mp3",
    "with-id3.aif",
    "8k-4ch-1s-silence.aif",
    "silence-2s-PCM-44100-16-ID3v23.wav",
    "interlude_david_aubrun.ogg",
    "kde_click.wav",
    "sheep_on_drugs.mp3",
]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, str]]:
    return {package: dict(judged(files_of(package))) for package in VERSIONS}


def files_of(package: str) -> list[Path]:
    return sorted(
        path
        for path in unpacked(package, VERSIONS[package]).glob("tests/*/*")
        if path.is_file() and path.suffix != ".py"
    )


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


def test_what_was_cut_off_is_told_as_such(outcomes):
    found = outcomes["mutagen"] | outcomes["hachoir"]
    assert {file: found[file] for file in CUT_OFF} == dict.fromkeys(CUT_OFF, "TruncatedFile")


def test_what_plays_is_rendered(outcomes):
    found = outcomes["mutagen"] | outcomes["hachoir"]
    assert {file: found[file] for file in PLAYABLE} == dict.fromkeys(PLAYABLE, "rendered")
