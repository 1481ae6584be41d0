"""CPU time and memory of videos of several codecs and sizes, and what was estimated: pytest -m bench -n0 -s."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.unit.movies import filtered

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MAX_PEAK_MB = 1000
MAX_PROOF_SHARE = 0.15
CHILD = '''
import json, sys, tempfile, time
from pathlib import Path
from tasks.transform.video import prove, transform
from tasks.transform.video.probe import examine
from tasks.shared.work import Original, Recipe

def peak_mb():
    """Of this process: ru_maxrss would begin with the peak of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

path = Path(sys.argv[1])
with path.open("rb") as stream:
    estimate = examine(stream, path.stat().st_size).cpu_seconds
started = time.process_time()
with tempfile.TemporaryDirectory() as scratch:
    original = Original(path, "video", "", Path(scratch))
    rendered = transform(original, Recipe())
    cost = {"peak_mb": peak_mb(), "cpu_s": time.process_time() - started, "estimated_s": estimate}
    started = time.process_time()
    prove(original, rendered, Recipe())
cost["proof_s"] = time.process_time() - started
print(json.dumps({"minutes": rendered.facts["duration_seconds"] / 60, **cost}))
'''


def measure(path: Path) -> dict:
    command = [sys.executable, "-c", CHILD, str(path)]
    cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{path.name}: {cost['cpu_s'] / cost['minutes']:.0f} CPU seconds a minute, "
        f"{cost['estimated_s'] / cost['minutes']:.0f} estimated, {cost['peak_mb']:.0f} MB, "
        f"{cost['proof_s'] / cost['cpu_s']:.1%} more for the proof"
    )
    return cost


def write(path: Path, codec: str, size: tuple[int, int], pixels: str, seconds: int, options: dict[str, str]) -> Path:
    """Moving shapes with a grain that encoders have to work for."""
    width, height = size
    chain = [("testsrc2", f"s={width}x{height}:r=30:d={seconds}"), ("noise", "alls=6:allf=t")]
    with av.open(str(path), "w", format="matroska") as output:
        stream = output.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for frame in filtered([*chain, ("format", pixels), ("buffersink", "")]):
            frame.pict_type = 0
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("codec", "size", "pixels", "options"),
    [
        ("libx264", (1280, 720), "yuv420p", {"preset": "veryfast"}),
        ("libx264", (1920, 1080), "yuv420p", {"preset": "veryfast"}),
        ("libx265", (1920, 1080), "yuv420p10le", {"preset": "ultrafast", "x265-params": "log-level=none"}),
        ("libvpx-vp9", (1920, 1080), "yuv420p", {"deadline": "realtime", "cpu-used": "8", "b": "4M"}),
        ("libsvtav1", (1920, 1080), "yuv420p", {"preset": "11", "crf": "40"}),
        ("libx264", (3840, 2160), "yuv420p", {"preset": "ultrafast"}),
        ("libx265", (3840, 2160), "yuv420p10le", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_estimate_is_not_too_low_and_memory_is_bounded(tmp_path, codec, size, pixels, options):
    cost = measure(write(tmp_path / f"{codec}-{size[1]}", codec, size, pixels, 4, options))
    assert cost["cpu_s"] < 1.5 * cost["estimated_s"]
    assert cost["peak_mb"] < MAX_PEAK_MB
    assert cost["proof_s"] < MAX_PROOF_SHARE * cost["cpu_s"]
