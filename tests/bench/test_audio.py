"""CPU time and memory of the one pass over a sound, also over two hours of it. On demand: pytest -m bench -n0 -s."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.sounds import FORMATS, encoded, sound

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MAX_GROWTH_MB = 60
MAX_PROOF_SHARE = 0.15
CHILD = '''
import json, sys, tempfile, time
from pathlib import Path
from tasks.transform.audio import prove, transform
from tasks.shared.work import Original, Recipe

def peak_mb():
    """Of this process: ru_maxrss would begin with the peak of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before, started = peak_mb(), time.process_time()
with tempfile.TemporaryDirectory() as scratch:
    original = Original(Path(sys.argv[1]), "sound", "", Path(scratch))
    rendered = transform(original, Recipe())
    cost = {"base_mb": before, "peak_mb": peak_mb(), "cpu_s": time.process_time() - started}
    started = time.process_time()
    prove(original, rendered, Recipe())
cost["proof_s"] = time.process_time() - started
print(json.dumps({"minutes": rendered.facts["duration_seconds"] / 60, **cost}))
'''


def measure(path: Path) -> dict:
    command = [sys.executable, "-c", CHILD, str(path)]
    cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{path.name}: {cost['minutes']:.0f} minutes, {cost['cpu_s'] / cost['minutes']:.2f} CPU seconds a minute, "
        f"{cost['peak_mb']:.0f} MB (before: {cost['base_mb']:.0f}), "
        f"{cost['proof_s'] / cost['cpu_s']:.1%} more for the proof"
    )
    return cost


@pytest.fixture(scope="module")
def noise() -> tuple[str, str]:
    """Something like music: two voices, each with its own noise, that swell."""
    return tuple(f"(0.3*sin({hz}*2*PI*t)+0.2*(random({at})-0.5))*(1+sin(t))/2" for at, hz in enumerate((220, 330)))


@pytest.mark.parametrize("name", ["MP3", "M4A", "FLAC", "Opus", "WAV"])
def test_minutes(tmp_path, noise, name):
    path = tmp_path / name
    path.write_bytes(encoded(name, sound(300, *noise, rate=FORMATS[name].rate)))
    cost = measure(path)
    assert cost["minutes"] == pytest.approx(5, abs=0.01)
    assert cost["proof_s"] < MAX_PROOF_SHARE * cost["cpu_s"]


def test_two_hours_take_no_more_memory_than_five_minutes(tmp_path, noise):
    frames = encoded("AAC", sound(300, *noise))
    short, long = tmp_path / "short", tmp_path / "long"
    short.write_bytes(frames)
    long.write_bytes(frames * 24)
    few, many = measure(short), measure(long)
    assert many["minutes"] == pytest.approx(120, abs=0.5)
    assert many["peak_mb"] < few["peak_mb"] + MAX_GROWTH_MB
