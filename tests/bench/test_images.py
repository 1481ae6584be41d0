"""CPU time and memory of the image recipe, and what a decompression bomb costs. On demand: pytest -m bench -s."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.samples import SAMPLES
from tests.unit.images import claiming, encoded, quarters

pytestmark = pytest.mark.bench

CHILD = """
import json, resource, sys, time
from pathlib import Path
import tasks.transform.image as transform
from tasks.work import Recipe
from workflow.errors import RejectedError

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

before, started = peak_mb(), time.process_time()
try:
    transform.transform(Path(sys.argv[1]), sys.argv[2], Recipe())
    outcome = "rendered"
except RejectedError as exc:
    outcome = type(exc).__name__
print(json.dumps({"outcome": outcome, "base_mb": before, "peak_mb": peak_mb(), "cpu_s": time.process_time() - started}))
"""


def measure(path: Path, media_type: str) -> dict:
    command = [sys.executable, "-c", CHILD, str(path), media_type]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def media_type_of(path: Path) -> str:
    known = {".jpg": "image/jpeg", ".png": "image/png", ".heic": "image/heic"}
    return "image/png" if "png" in path.name else known[path.suffix]


@pytest.mark.parametrize(
    "sample", [sample for sample in SAMPLES if sample.outcome == "succeeded"], ids=lambda s: s.file
)
def test_sample_photographs(sample):
    cost = measure(sample.path, media_type_of(sample.path))
    print(f"{sample.file}: {cost['cpu_s'] * 1000:.0f} ms CPU, {cost['peak_mb']:.0f} MB")
    assert cost["outcome"] == "rendered"


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_decompression_bomb_costs_no_memory(tmp_path, name):
    path = tmp_path / "bomb"
    path.write_bytes(claiming(name, 16_000, 16_000))
    cost = measure(path, f"image/{name.lower()}")
    assert cost["outcome"] == "TooManyPixels"
    assert cost["peak_mb"] < cost["base_mb"] * 1.2


def test_scaling_while_decoding_keeps_a_large_photograph_small_in_memory(tmp_path):
    path = tmp_path / "large.jpg"
    path.write_bytes(encoded(quarters(12_000, 9_000)))
    cost = measure(path, "image/jpeg")
    assert cost["outcome"] == "rendered"
    decoded_mb = 12_000 * 9_000 * 4 / 2**20
    assert cost["peak_mb"] - cost["base_mb"] < decoded_mb / 4
