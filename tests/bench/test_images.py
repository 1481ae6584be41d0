"""CPU time and memory of the image recipe, and what a decompression bomb costs. On demand: pytest -m bench -n0 -s."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from infra.local.samples import SAMPLES
from tests.unit.images import claiming, encoded, quarters
from workflow.kinds import IMAGE
from workflow.limits import FUNCTIONS

pytestmark = pytest.mark.bench

CHILD = '''
import json, sys, time
from pathlib import Path
import tasks.transform.image as transform
from tasks.shared.work import Original, Recipe
from workflow.errors import RejectedError

def peak_mb():
    """Of this process: ru_maxrss would begin with the peak of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before, started = peak_mb(), time.process_time()
try:
    made = transform.transform(Original(Path(sys.argv[1]), "photo", sys.argv[2], Path(".")), Recipe())
    outcome, made_mb = "rendered", len(made.files[0].data) / 2**20
except RejectedError as exc:
    outcome, made_mb = type(exc).__name__, 0
cost = {"base_mb": before, "peak_mb": peak_mb(), "cpu_s": time.process_time() - started}
print(json.dumps({"outcome": outcome, "made_mb": made_mb, **cost}))
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
def test_animation_takes_little_more_memory_than_its_first_frame_and_its_files(tmp_path, name):
    """Noise is the worst case: some decoders hold the whole file, and the encoder what it has made three times."""
    path, frames = tmp_path / "animation", noise_frames(5, 1000, 800)
    options = {"speed": 10} if name == "AVIF" else {}
    peaks = []
    for more in ([], frames[1:] + frames * 9):
        several = {"save_all": True, "append_images": more} if more else {}
        path.write_bytes(encoded(frames[0], name, **options, **several))
        cost, file_mb = measure(path, f"image/{name.lower()}"), path.stat().st_size / 2**20
        assert cost["outcome"] == "rendered"
        told = f"{cost['cpu_s']:.1f} s CPU, {cost['peak_mb']:.0f} MB, made {cost['made_mb']:.0f} MB"
        print(f"{name}, {1 + len(more)} frames: {told}")
        peaks.append(cost["peak_mb"] - 3 * cost["made_mb"] - 2 * file_mb)
    canvases_mb = 12 * 1000 * 800 * 4 / 2**20
    assert peaks[1] < peaks[0] + canvases_mb


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
    assert cost["peak_mb"] < FUNCTIONS["transform_image"].memory_mb
