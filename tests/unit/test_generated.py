"""Pictures, sounds, films and workbooks of known content in any layout: they come back equal, or are refused."""

import io
import json
from fractions import Fraction
from unittest.mock import patch

import av
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform import audio, image, video
from tests.unit.generated import generated
from tests.unit.images import MEDIA_TYPES, SAMPLE_OPTIONS, encoded, exif
from tests.unit.movies import Movie, Sound, corners, quarters
from tests.unit.sounds import FORMATS, sound
from tests.unit.sounds import encoded as encoded_sound
from tests.unit.tables import PARQUET, XLSX, converted, parquet, workbook
from workflow.errors import RejectedError

ORIENTATION = 0x0112


def made(kind, folder, content: bytes, media_type: str) -> Rendered | None:
    """Proven; None if the file is refused."""
    path = folder / "original"
    path.write_bytes(content)
    original = Original(path, path.name, media_type, folder)
    try:
        rendered = kind.transform(original, Recipe())
    except RejectedError:
        return None
    kind.prove(original, rendered, Recipe())
    return rendered


# pictures

MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "BMP": ["1", "L", "P", "RGB"],
    "GIF": ["L", "P"],
    "WEBP": ["RGB", "RGBA"],
    "JPEG": ["L", "RGB"],
    "JPEG2000": ["L", "RGB", "RGBA"],
}
TURNED = {"PNG", "TIFF", "WEBP", "JPEG"}
COLOR = st.tuples(*[st.integers(0, 255)] * 3)
COLOR_TOLERANCE, ALPHA_TOLERANCE = 20, 12
"""WebP halves the resolution of colors, and quarters are small."""


@st.composite
def pictures(draw):
    name = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[name]))
    size = draw(st.tuples(st.integers(48, 96), st.integers(48, 96)))
    picture = quarters(size, draw(st.lists(COLOR, min_size=4, max_size=4)))
    if mode in {"LA", "RGBA"}:
        picture.putalpha(
            quarters(size, [(level,) * 3 for level in draw(st.permutations([0, 90, 180, 255]))]).convert("L")
        )
    return name, as_mode(picture, mode), draw(st.integers(1, 8)) if name in TURNED else 1


def as_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        gray = picture.convert("L")
        return Image.frombytes("I;16", gray.size, b"".join(bytes([level, level]) for level in gray.tobytes()))
    if mode == "P":
        return picture.quantize(8, dither=Image.Dither.NONE)
    return picture.convert(mode, dither=Image.Dither.NONE)


def reference(picture: Image.Image, orientation: int) -> Image.Image:
    """What was written, upright, by arithmetic of its own."""
    if picture.mode == "I;16":
        picture = Image.frombytes("L", picture.size, picture.tobytes()[1::2])
    turns = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180], 4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_270], 7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_90],
    }  # fmt: skip
    shown = picture.convert("RGBA")
    for turn in turns.get(orientation, []):
        shown = shown.transpose(turn)
    return shown


@generated(12)
@given(pictures())
def test_pictures_show_the_colors_that_were_written(tmp_path_factory, drawn):
    name, picture, orientation = drawn
    options = SAMPLE_OPTIONS[name] | ({"exif": exif({ORIENTATION: orientation})} if orientation > 1 else {})
    rendered = made(image, tmp_path_factory.mktemp("any"), encoded(picture, name, **options), MEDIA_TYPES[name])
    assert rendered
    found, wanted = Image.open(io.BytesIO(rendered.files[0].data)), reference(picture, orientation)
    assert found.size == wanted.size
    for got, want in zip(corners(found.convert("RGBA")), corners(wanted), strict=True):
        assert abs(got[3] - want[3]) <= ALPHA_TOLERANCE
        if want[3]:
            assert max(abs(one - other) for one, other in zip(got[:3], want[:3], strict=True)) <= COLOR_TOLERANCE


# sounds

PLAIN = ["WAV", "WAV 24", "WAV 32", "WAV float", "RF64", "AIFF", "CAF", "FLAC"]
RATES = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]
LAYOUTS = ["mono", "stereo", "2.1", "quad", "5.0", "5.1", "6.1", "7.1"]
HEARD = 0.01


@generated(4)
@given(
    st.sampled_from(PLAIN),
    st.sampled_from(RATES),
    st.sampled_from(LAYOUTS),
    st.integers(0, 7),
    st.floats(0.4, 1.5),
)
def test_sounds_play_as_long_and_every_channel_is_heard(tmp_path_factory, name, rate, layout, at, seconds):
    channels = [channel.name for channel in av.AudioLayout(layout).channels]
    assume(at < len(channels) and channels[at] != "LFE")
    assume(name not in {"AIFF", "CAF"} or layout != "7.1")  # refused: their channels have an order of the file's own
    formulas = ["0.5*sin(440*2*PI*t)" if each == at else "0" for each in range(len(channels))]
    content = encoded_sound(name, sound(seconds, *formulas, rate=rate, layout=layout))
    rendered = made(audio, tmp_path_factory.mktemp("any"), content, FORMATS[name].media_type)
    assert rendered
    assert abs(rendered.facts["duration_seconds"] - seconds) < 0.1
    levels = loudest(rendered.files[0].path)
    assert max(levels) > HEARD
    if layout == "stereo":
        assert levels[at] > 10 * levels[1 - at]


def loudest(path) -> list[float]:
    """The highest sample of each channel."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    channels = range(len(frames[0].layout.channels))
    return [max(max(memoryview(bytes(frame.planes[at])).cast("f")) for frame in frames) for at in channels]


# films

CONTAINERS = {"mp4": ["libx264", "mpeg4"], "matroska": ["libx264", "mpeg4", "ffv1"], "mov": ["libx264", "mjpeg"]}
FORMS = [(name, codec) for name, codecs in CONTAINERS.items() for codec in codecs]
FILM_TOLERANCE = 60


@generated(3)
@given(
    st.sampled_from(FORMS),
    st.sampled_from([5, 12, 15, 24, 25, 30, 50, 60]),
    st.tuples(st.integers(16, 160), st.integers(16, 120)),
    st.integers(2, 40),
    st.booleans(),
)
def test_films_keep_their_pictures_times_and_sound(tmp_path_factory, form, rate, size, count, has_sound):
    (container, codec), folder = form, tmp_path_factory.mktemp("any")
    size = (size[0] * 2, size[1] * 2)
    sounds = [Sound(seconds=count / rate)] if has_sound else []
    pixels = {"mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    movie = Movie([quarters(size)] * count, rate=rate, codec=codec, pixel_format=pixels, sounds=sounds)
    rendered = made(video, folder, movie.bytes(folder, container), "video/mp4")
    assert rendered
    assert rendered.facts["frames"] == count
    assert abs(rendered.facts["duration_seconds"] - Fraction(count, rate)) < 0.15
    assert rendered.facts["has_audio"] == has_sound
    with av.open(str(rendered.files[0].path)) as web:
        shown = [frame.to_image() for frame in web.decode(video=0)]
    assert (len(shown), shown[0].size) == (count, size)
    for found, wanted in zip(corners(shown[-1]), corners(quarters(size)), strict=True):
        assert max(abs(one - other) for one, other in zip(found, wanted, strict=True)) <= FILM_TOLERANCE


# workbooks and Parquet

WORDS = (
    st.text(st.sampled_from("abcXYZäöłß ,;|'\"-_/€你"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda word: word.strip("-"))
)
ROWS = st.lists(st.tuples(st.integers(-(10**14), 10**14), st.integers(-(10**6), 10**6), WORDS), min_size=3, max_size=12)


def in_process(work, *arguments, confines):
    """As in a child, without the time that one takes to start: what a child may do is tested where it is confined."""
    return json.loads(json.dumps(work(*arguments)))


@patch("tasks.transform.table.workbook.confined", in_process)
@generated(3)
@given(ROWS, st.sampled_from([XLSX, PARQUET]))
def test_known_values_in_workbooks_and_parquet_come_back_equal(tmp_path_factory, rows, form):
    folder = tmp_path_factory.mktemp("any")
    if form == XLSX:
        content = workbook(Sheet=[["id", "amount", "text"], *([one, two / 4, text] for one, two, text in rows)])
    else:
        values = ", ".join(f"({one}, {two} / 4, '{text.replace(chr(39), chr(39) * 2)}')" for one, two, text in rows)
        content = parquet(folder, f"FROM (VALUES {values}) AS t(id, amount, text)")
    table = converted(folder, content, form)
    assert list(table.types()) == ["id", "amount", "text"]
    found = [(int(one), float(two), text) for one, two, text in table.rows()]
    assert found == [(one, two / 4, text) for one, two, text in rows]
