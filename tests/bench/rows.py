"""The rows of the table: what is done, of which files, against whom, and what was promised of it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench import inputs
from tests.bench.inputs import Input
from tests.bench.peers import Peers
from tests.bench.race import Contestant
from tests.bench.start import BOTO3, NOTHING, measured

OURS = "Sluice"
_COMMAND = (sys.executable, "-m", "tests.bench.ours")
_FFMPEG = ("-v", "error", "-i", "{}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p")
_FFMPEG_SOUND = ("-c:a", "aac", "-b:a", "128k", "-movflags", "frag_keyframe", "-f", "mp4", "-y", "/dev/null")


@dataclass(frozen=True)
class Row:
    """Ours comes first of the contestants. `goals` are the most that we may take of what a peer takes, by its name."""

    work: str
    contestants: Sequence[Contestant]
    files: Sequence[Input]
    goals: Mapping[str, float] = field(default_factory=dict)


def rows(peers: Peers, *, quick: bool) -> list[Row]:
    """Those of a `quick` run have fewer and smaller files."""
    return [*_pictures(peers, quick=quick), *_tables(peers, quick=quick), *_others(peers), *_starts(peers, quick=quick)]


def _pictures(peers: Peers, *, quick: bool) -> list[Row]:
    photographs = inputs.photographs()
    sharp = [Contestant(OURS, _COMMAND), *peers.sharp(4), *peers.sharp(2)]
    as_tuned = {"sharp, effort 4": 1.0}
    return [
        Row(
            "photographs of 8 to 48 MP: WebP and previews",
            sharp,
            photographs[4:] if quick else photographs,
            {"sharp, effort 4": 0.6, "sharp, effort 2": 1.0},
        ),
        Row("PNG of 15 MP with alpha", sharp, [inputs.CUT_OUT], as_tuned),
        Row("PNG of 15 MP whose alpha is idle", sharp, [inputs.OPAQUE], as_tuned),
        Row("WebP of 12 MP", sharp, [inputs.WEBP], as_tuned),
    ]


def _tables(peers: Peers, *, quick: bool) -> list[Row]:
    megabytes = 20 if quick else 106
    contestants = [Contestant(OURS, (*_COMMAND, "--no-previews"), whole=True), *peers.duckdb()]
    contestants += peers.table_libraries()
    made = {
        "orders.csv": ("CSV: Parquet, rejects, profile and proof", 1.25),
        "orders.csv.gz": ("the same in gz", 1.2),
        "orders.ndjson": ("NDJSON", 1.5),
        "nested.ndjson": ("NDJSON with lists and objects", 1.5),
    }
    return [
        Row(f"{work}, {megabytes} MB", contestants, [inputs.table(name, megabytes)], {"DuckDB": goal})
        for name, (work, goal) in made.items()
    ]


def _others(peers: Peers) -> list[Row]:
    ours = Contestant(OURS, _COMMAND)
    page = peers.program("pdftoppm", "-png", "-singlefile", "-scale-to", "1024")
    return [
        Row("PDF of one page: sanitized, its text, previews", [ours, *page], [inputs.PAGE], {"pdftoppm": 2.0}),
        Row(
            "a film of 10 s: MP4 and previews",
            [ours, *peers.program("ffmpeg", *_FFMPEG, *_FFMPEG_SOUND)],
            [inputs.FILM],
        ),
    ]


def _starts(peers: Peers, *, quick: bool) -> list[Row]:
    return [
        Row(f"start of {function}, as deployed", contestants, [NOTHING], {BOTO3: goal})
        for function, contestants, goal in measured(peers, quick=quick)
    ]
