"""A large video is looked at by a handful of small reads, wherever its index is."""

import io
from pathlib import Path

import pytest

from tasks.shared.ranges import RangeFile
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.probe import Probe, examine, probe
from tests.unit.movies import Movie, Sound, counting, gray
from workflow.errors import LongVideo
from workflow.units import MIB


@pytest.fixture(scope="module")
def pictures():
    """A second of pictures that take 20 MiB when they are not compressed."""
    return list(counting(12, (1280, 720)))


def looked_at(content: bytes) -> tuple[Probe, RangeFile]:
    file = RangeFile(lambda start, end: content[start:end], len(content), 256 * 1024)
    return examine(file, len(content)), file


@pytest.mark.parametrize(
    ("container", "pixels", "writer"),
    [
        ("mov", "rgb24", {}),
        ("mov", "rgb24", {"movflags": "faststart"}),
        ("matroska", "yuv420p", {}),
        ("avi", "yuv420p", {}),
    ],
    ids=["index last", "index first", "matroska", "avi"],
)
def test_few_ranges_are_read_of_a_large_file(pictures, tmp_path, container, pixels, writer):
    movie = Movie(
        pictures, rate=12, codec="rawvideo", pixel_format=pixels, sounds=[Sound(codec="pcm_s16le")], writer=writer
    )
    content = movie.bytes(tmp_path, container)
    assert len(content) > 15 * MIB
    found, file = looked_at(content)
    assert found.duration_seconds == pytest.approx(1, abs=0.1)
    assert file.reads <= 12
    assert file.bytes_read < 7 * MIB


def test_recording_that_does_not_say_how_long_it_is_is_read_through(tmp_path):
    movie = Movie(list(counting(50)), codec="libvpx-vp9", writer={"live": "1"})
    found, file = looked_at(movie.bytes(tmp_path, "webm"))
    assert found.duration_seconds == pytest.approx(2, abs=0.1)
    assert file.bytes_read == file.size


@pytest.mark.parametrize(("minutes", "is_long"), [(5, False), (40, True)])
def test_what_one_function_can_do_is_estimated(tmp_path, minutes, is_long):
    pictures = [gray(60, (1280, 720))] * 2
    path = Movie(pictures, times=[0, minutes * 60_000]).write(tmp_path / "original", "matroska")
    found = examine_file(path)
    assert (found.cpu_seconds > LIMITS.max_cpu_seconds) == is_long
    if is_long:
        with path.open("rb") as stream, pytest.raises(LongVideo, match="40 minutes"):
            probe(stream, path.stat().st_size)


def examine_file(path: Path) -> Probe:
    with path.open("rb") as stream:
        return examine(stream, path.stat().st_size)


def test_larger_pictures_and_more_of_them_are_estimated_to_take_longer(tmp_path):
    costs = [
        looked_at(Movie([gray(60, size)] * 2, times=[0, 60_000]).bytes(tmp_path, "matroska"))[0].cpu_seconds
        for size in ((320, 240), (1280, 720), (1920, 1080), (3840, 2160))
    ]
    assert costs == sorted(costs)
    assert costs[-1] > 2 * costs[1]


def test_probe_of_a_short_video_says_what_will_be_made(tmp_path):
    content = Movie(list(counting(25, (1920, 1080)))).bytes(tmp_path)
    found = probe(io.BytesIO(content), len(content))
    assert found.picture
    assert (found.picture.displayed, found.picture.target) == ((1920, 1080), (1280, 720))
