"""A long video that is converted in parts is the same as one that is converted at once: every picture, every time."""

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import pytest

from tasks.shared.published import prove_files
from tasks.shared.ranges import RangeFile
from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.video import transform
from tasks.transform.video.convert import Converted
from tasks.transform.video.limits import Limits
from tasks.transform.video.parts import PartFile, Plan, convert_part, convert_sound, join, plan
from tasks.transform.video.proof import prove
from tests.unit.movies import Captions, Movie, Sound, counting, frames_of, gray, level
from workflow.errors import TooLong

SHORT = Limits(min_part_seconds=1, max_part_seconds=1)
KEY_EVERY_TEN = {"g": "10", "keyint_min": "10", "sc_threshold": "0"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path


def at_once(path: Path, folder: Path, **recipe) -> Rendered:
    return transform(Original(path, path.name, "", folder / "scratch"), Recipe(**recipe))


def in_parts(path: Path, folder: Path, **recipe) -> tuple[Plan, Rendered]:
    size = path.stat().st_size
    with path.open("rb") as stream, ExitStack() as files:
        planned = plan(stream, size, SHORT)

        def part(name: str, convert: Callable[[Path], Converted]) -> PartFile:
            converted = convert(folder / name)
            return PartFile(files.enter_context((folder / name).open("rb")), converted)

        parts = [part(f"{each.index}.mp4", partial(convert_part, stream, each)) for each in planned.parts]
        sound = part("sound.m4a", partial(convert_sound, stream, size)) if planned.has_sound else None
        joined = join(stream, size, parts, sound, folder / "joined.mp4", Recipe(**recipe))
        prove(stream, joined, here_and_there=True)
        if not recipe:
            prove_files(joined.files)
        return planned, joined


def shown(rendered: Rendered) -> tuple[list[Fraction], list[int]]:
    frames = frames_of(rendered.files[0].path)
    return [time for time, _ in frames], [level(picture) for _, picture in frames]


def heard(rendered: Rendered) -> list[tuple[int, bytes]]:
    with av.open(str(rendered.files[0].path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.pts is not None]


def assert_same(whole: Rendered, joined: Rendered) -> None:
    (times, levels), (joined_times, joined_levels) = shown(whole), shown(joined)
    assert joined_times == times
    assert joined_levels == pytest.approx(levels, abs=3)
    assert joined.facts == whole.facts
    assert joined.technical == whole.technical
    assert [file.name for file in joined.files] == [file.name for file in whole.files]


@pytest.mark.parametrize(
    ("container", "codec", "sound"),
    [
        ("mp4", "libx264", "aac"),
        ("mov", "libx265", "pcm_s16le"),
        ("matroska", "libx264", "flac"),
        ("webm", "libvpx-vp9", "libopus"),
        ("mpegts", "libx264", "aac"),
        ("mpegts", "mpeg2video", "mp2"),
        ("avi", "mpeg4", "mp3"),
        ("avi", "libx264", "mp3"),
        ("flv", "libx264", "aac"),
    ],
)
def test_parts_join_to_what_one_function_makes(folder, container, codec, sound):
    movie = Movie(list(counting(100)), codec=codec, options=KEY_EVERY_TEN, sounds=[Sound(seconds=4, codec=sound)])
    path = movie.write(folder / "original", container)
    whole = at_once(path, folder)
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) >= 3
    assert_same(whole, joined)
    assert heard(joined) == heard(whole)


def test_pictures_that_refer_across_the_cut_are_whole(folder):
    """Open groups: those after a key frame in the file may be shown before it, and need what was before it."""
    options = {"x264-params": "open-gop=1:keyint=10:min-keyint=10:scenecut=0:bframes=3:b-adapt=0"}
    path = Movie(list(counting(100)), options=options).write(folder / "original", "matroska")
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) >= 3
    assert_same(at_once(path, folder), joined)


def test_variable_frame_rate_is_cut_where_key_frames_are(folder):
    times = [0, 40, 80, 900, 1300, 1340, 1380, 1500, 2900, 2940, 2980, 5000]
    path = Movie(list(counting(12)), times=times, options={"g": "3"}).write(folder / "original", "matroska")
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) >= 2
    assert shown(joined)[0] == [Fraction(time, 1000) for time in times]


def test_video_with_one_key_frame_is_one_part(folder):
    options = {"g": "1000", "sc_threshold": "0"}
    path = Movie(list(counting(100)), options=options).write(folder / "original")
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) == 1
    assert_same(at_once(path, folder), joined)


def test_live_recording_without_index_is_cut_too(folder):
    """What browsers record says neither how long it is nor where key frames are."""
    movie = Movie(list(counting(100)), codec="libvpx-vp9", options=KEY_EVERY_TEN, writer={"live": "1"})
    path = movie.write(folder / "original", "webm")
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) >= 3
    assert_same(at_once(path, folder), joined)


def test_clock_that_is_set_anew_on_the_way_leaves_one_part(folder):
    one = Movie(list(counting(50)), sounds=[Sound(seconds=2)]).bytes(folder, "mpegts")
    movie = Movie(list(counting(50)), sounds=[Sound(seconds=2)], writer={"output_ts_offset": "5000"})
    path = folder / "original"
    path.write_bytes(one + movie.bytes(folder, "mpegts"))
    planned, joined = in_parts(path, folder)
    assert len(planned.parts) == 1
    assert joined.facts["duration_seconds"] == pytest.approx(4, abs=0.2)
    assert len(shown(joined)[0]) == 100
    assert_same(at_once(path, folder), joined)


def test_captions_and_private_tags_come_through(folder):
    captions = [Captions([(200, 300, "Hello"), (3000, 300, "Bye")], language="eng")]
    movie = Movie(
        list(counting(100)),
        options=KEY_EVERY_TEN,
        captions=captions,
        sounds=[Sound(seconds=4)],
        tags={"comment": "mine"},
    )
    path = movie.write(folder / "original")
    _, joined = in_parts(path, folder, publish_private=True)
    assert_same(at_once(path, folder, publish_private=True), joined)
    with av.open(str(joined.files[0].path)) as container:
        assert container.metadata["comment"] == "mine"


def test_each_part_reads_its_own_part_of_the_file(folder):
    noise = [picture.effect_spread(20) for picture in counting(100, (320, 240))]
    movie = Movie(noise, codec="rawvideo", pixel_format="yuv420p", rate=10)
    path = movie.write(folder / "original", "matroska")
    content = path.read_bytes()

    def opened() -> RangeFile:
        return RangeFile(lambda start, end: content[start:end], len(content), 16 * 1024)

    planned = plan(opened(), len(content), Limits(min_part_seconds=2, max_part_seconds=2))
    assert len(planned.parts) >= 4
    for part in planned.parts[:-1]:
        file = opened()
        convert_part(file, part, folder / "part.mp4")
        assert file.bytes_read < len(content) * 0.45


def test_video_that_cannot_be_cut_and_takes_too_long_is_refused(folder):
    path = Movie([gray(60, (640, 480))] * 3, times=[0, 1000, 14_000_000]).write(folder / "original", "matroska")
    with path.open("rb") as stream, pytest.raises(TooLong, match="key frame"):
        plan(stream, path.stat().st_size, Limits(max_cpu_seconds=50))


def test_sound_without_picture_has_no_parts(folder):
    path = Movie(sounds=[Sound()]).write(folder / "original")
    planned, joined = in_parts(path, folder)
    whole = at_once(path, folder)
    assert planned == Plan((), has_sound=True)
    assert joined.facts == whole.facts
    assert heard(joined) == heard(whole)


def test_parts_are_few_and_long(folder):
    pictures = [gray(60, (64, 48))] * 400
    path = Movie(pictures, times=[at * 30_000 for at in range(400)], options={"g": "1"}).write(
        folder / "original", "matroska"
    )
    with path.open("rb") as stream:
        planned = plan(stream, path.stat().st_size)
    assert 90 < len(planned.parts) <= Limits().max_parts
    assert [part.index for part in planned.parts] == list(range(len(planned.parts)))
