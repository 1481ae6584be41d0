"""CPU time and memory of the image recipe, and what a decompression bomb costs. On demand: pytest -m bench -s."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from infra.local.samples import SAMPLES
from tasks.kinds import IMAGE
from tests.unit.images import claiming, encoded, quarters
from workflow.limits import TASKS

pytestmark = pytest.mark.bench

CHILD = '''
import json, sys, time
from pathlib import Path
import tasks.transform.image as transform
from tasks.work import Recipe
from workflow.errors import RejectedError

def peak_mb():
    """Of this process: ru_maxrss would begin with the peak of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before, started = peak_mb(), time.process_time()
try:
    transform.transform(Path(sys.argv[1]), sys.argv[2], Recipe())
    outcome = "rendered"
except RejectedError as exc:
    outcome = type(exc).__name__
print(json.dumps({"outcome": outcome, "base_mb": before, "peak_mb": peak_mb(), "cpu_s": time.process_time() - started}))
'''


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


def noise_frames(count: int, width: int, height: int) -> list[Image.Image]:
    return [Image.effect_noise((width, height), 60 + at).convert("RGB") for at in range(count)]


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_memory_of_an_animation_does_not_grow_with_its_frames(tmp_path, name):
    path, peaks = tmp_path / "animation", {}
    for count in (1, 5, 50):
        first, *more = noise_frames(5, 1000, 800) * (count // 5) or noise_frames(1, 1000, 800)
        options = {"speed": 10} if name == "AVIF" else {}
        path.write_bytes(encoded(first, name, **options, **({"save_all": True, "append_images": more} if more else {})))
        cost = measure(path, f"image/{name.lower()}")
        assert cost["outcome"] == "rendered"
        peaks[count] = cost["peak_mb"] - path.stat().st_size / 2**20
        print(f"{name}, {count} frames: {cost['cpu_s']:.1f} s CPU, {cost['peak_mb']:.0f} MB")
    encoded_mb = 50
    assert peaks[50] < peaks[5] + encoded_mb


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_largest_animation_is_rendered_within_the_function_s_limits(tmp_path, name):
    """Two pictures take turns: the frames are as large and as many as the table allows, the file is not."""
    path, gradient = tmp_path / "animation", Image.radial_gradient("L").resize((2000, 1000)).convert("RGB")
    frames = [gradient, gradient.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(5)]
    count = IMAGE.max_total_pixels // 2_000_000
    options = {"speed": 10, "quality": 30} if name == "AVIF" else {"method": 0} if name == "WEBP" else {}
    more = [frames[at % 2] for at in range(1, count)]
    path.write_bytes(encoded(frames[0], name, save_all=True, append_images=more, **options))
    cost = measure(path, f"image/{name.lower()}")
    print(f"{name}: {path.stat().st_size / 2**20:.0f} MiB, {cost['cpu_s']:.0f} s CPU, {cost['peak_mb']:.0f} MB")
    assert cost["outcome"] == "rendered"
    assert cost["peak_mb"] < TASKS["transform"].memory_mb
