"""What proving costs, as a share of a kind's CPU time: at most MAX_SHARE. On demand: pytest -m bench -n0 -s."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from infra.local.samples import SAMPLES
from tests.unit.movies import Movie, Sound
from tests.unit.papers import document, photograph, saved
from tests.unit.sounds import encoded as sound
from tests.unit.sounds import tone_for

pytestmark = pytest.mark.bench

MAX_SHARE = 0.15

CHILD = """
import json, sys, time
from importlib import import_module
from pathlib import Path
from tasks.shared.published import prove_nothing_private
from tasks.shared.published.secrets import Secrets, secrets_of
from tasks.shared.work import Original, Recipe

name, path, media_type, scratch = sys.argv[1:]
kind = import_module(f"tasks.transform.{name}")
original, recipe = Original(Path(path), Path(path).name, media_type, Path(scratch)), Recipe()
started = time.process_time()
rendered = kind.transform(original, recipe)
made = time.process_time()
if hasattr(kind, "prove"):
    kind.prove(original, rendered, recipe)
with original.path.open("rb") as stream:
    told = Secrets() if name in {"table", "archive"} else secrets_of(stream, original.path.stat().st_size)
    prove_nothing_private(rendered, told)
print(json.dumps({"making": made - started, "proving": time.process_time() - made}))
"""


def photo(_folder: Path) -> Path:
    return next(sample.path for sample in SAMPLES if sample.path.suffix == ".jpg" and sample.outcome == "succeeded")


def table(folder: Path) -> Path:
    path, chosen = folder / "table.csv", random.Random(1)
    rows = (
        f"{at},{chosen.random():.6f},word {chosen.randrange(10**6)},2026-11-{at % 28 + 1:02}" for at in range(500_000)
    )
    path.write_text("id,amount,text,day\n" + "\n".join(rows) + "\n")
    return path


def recording(folder: Path) -> Path:
    path = folder / "sound.flac"
    path.write_bytes(sound("FLAC", tone_for("FLAC", 300)))
    return path


def film(folder: Path) -> Path:
    pictures = [Image.effect_noise((640, 360), 40 + at % 20).convert("RGB") for at in range(60)] * 8
    return Movie(pictures, sounds=[Sound(seconds=19)], options={"preset": "ultrafast"}).write(folder / "film.mp4")


def paper(folder: Path) -> Path:
    path, pdf = folder / "paper.pdf", document(*(f"Page {number} of them all" for number in range(300)))
    photograph(pdf, quality=95)
    path.write_bytes(saved(pdf))
    return path


FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "image": (photo, "image/jpeg"),
    "table": (table, "text/csv"),
    "audio": (recording, "audio/flac"),
    "video": (film, "video/mp4"),
}


DOCUMENT = """
import json, sys, time
from tasks.shared.published.document import prove_document
from tasks.transform.document import child

spent = []
def proven(path):
    started = time.process_time()
    prove_document(path)
    spent.append(time.process_time() - started)

child.prove_document = proven
child.prepare(sys.argv[1], sys.argv[2], False)
print(json.dumps({"making": time.process_time() - spent[0], "proving": spent[0]}))
"""


def shared_out(kind: str, script: str, *arguments: str) -> float:
    command = [sys.executable, "-c", script, *arguments]
    cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    share = cost["proving"] / (cost["making"] + cost["proving"])
    print(f"{kind}: {cost['making']:.2f} s CPU to make, {cost['proving']:.2f} s to prove: {share:.0%}")
    return share


@pytest.mark.parametrize("kind", FILES)
def test_proof_of_a_kind(tmp_path, kind):
    make, media_type = FILES[kind]
    path = make(tmp_path)
    (tmp_path / "scratch").mkdir()
    assert shared_out(kind, CHILD, kind, str(path), media_type, str(tmp_path / "scratch")) <= MAX_SHARE


def test_proof_of_a_document_which_is_in_its_confined_child(tmp_path):
    assert shared_out("document", DOCUMENT, str(paper(tmp_path)), str(tmp_path)) <= MAX_SHARE
