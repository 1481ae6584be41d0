"""A rendition that lacks something of its original, or that the record is not true of, is not published."""

from dataclasses import replace
from functools import cache

import pytest

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform import audio, video
from tasks.transform.video import proof
from tests.unit.movies import Movie, Sound, counting
from tests.unit.sounds import FORMATS, encoded, sound
from workflow.errors import CorruptMedia, ResultNotProven

SECONDS = 24
HEARD = r"is heard at \d+ s, and the rendition is not"
TONE, SILENCE = "0.25*sin(2*PI*1000*t)", "0"


@pytest.fixture(scope="module")
def convert(tmp_path_factory):
    """A film of so many seconds that sounds so, and what is made of it: once, as none of these tests changes it."""

    @cache
    def _convert(seconds: int = SECONDS, expression: str = TONE) -> tuple[Original, Rendered]:
        scratch = tmp_path_factory.mktemp("film")
        movie = Movie(list(counting(5 * seconds)), rate=5, sounds=[Sound(expression, seconds=seconds)])
        path = movie.write(scratch / "original", "matroska")
        original = Original(path, "original", "", scratch)
        return original, video.transform(original, Recipe())

    return _convert


@pytest.fixture(scope="module")
def listen(tmp_path_factory):
    """The same of a sound."""

    @cache
    def _listen(seconds: int = SECONDS, expression: str = TONE) -> tuple[Original, Rendered]:
        scratch = tmp_path_factory.mktemp("sound")
        path = scratch / "original"
        path.write_bytes(encoded("WAV", sound(seconds, expression, expression)))
        original = Original(path, "original", FORMATS["WAV"].media_type, scratch)
        return original, audio.transform(original, Recipe())

    return _listen


def prove_in_parts(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    with original.path.open("rb") as stream:
        proof.prove(stream, rendered, here_and_there=True)


@pytest.mark.parametrize("prove", [video.prove, prove_in_parts])
def test_rendition_of_the_whole_film_is_proven(convert, prove):
    prove(*convert(), Recipe())


@pytest.mark.parametrize("prove", [video.prove, prove_in_parts])
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ((12,), r"has pictures the rendition has none, from 1\d s on"),
        ((SECONDS, f"{TONE}*lt(t,9)"), HEARD),
        ((SECONDS, SILENCE), HEARD),
    ],
    ids=["cut", "mute from some time on", "mute"],
)
def test_rendition_that_lacks_something_is_not_published(convert, prove, other, said):
    """The record tells of the rendition as it is: only the original knows better."""
    original, _ = convert()
    _, lacking = convert(*other)
    with pytest.raises(ResultNotProven, match=said):
        prove(original, lacking, Recipe())


@pytest.mark.parametrize(
    ("untrue", "said"),
    [
        ({"frames": 119}, "has 120 pictures; 119 were made"),
        ({"duration_seconds": 23.0}, r"plays 24.* s, the record says 23"),
        ({"has_audio": False}, "has the tracks"),
    ],
)
def test_record_that_is_not_true_of_the_rendition_is_not_published(convert, untrue, said):
    original, rendered = convert()
    with pytest.raises(ResultNotProven, match=said):
        video.prove(original, replace(rendered, facts=rendered.facts | untrue), Recipe())


def test_picture_of_another_size_than_is_said_is_not_published(convert):
    original, rendered = convert(2)
    taller = replace(rendered.files[0], height=96)
    with pytest.raises(ResultNotProven, match="64 by 48 pixels, not 64 by 96"):
        video.prove(original, replace(rendered, files=(taller,)), Recipe())


@pytest.mark.parametrize(
    ("other", "said"),
    [((12,), HEARD), ((SECONDS, f"{TONE}*lt(t,9)"), HEARD)],
    ids=["cut", "mute from some time on"],
)
def test_sound_that_lacks_something_is_not_published(listen, other, said):
    original, rendered = listen()
    audio.prove(original, rendered, Recipe())
    _, lacking = listen(*other)
    with pytest.raises(ResultNotProven, match=said):
        audio.prove(original, lacking, Recipe())


def test_sound_that_cannot_be_told_for_damage_is_refused(listen):
    original, _ = listen()
    _, lacking = listen(12)
    damaged = replace(lacking, facts=lacking.facts | {"left_out": 2})
    with pytest.raises(CorruptMedia, match="2 packets"):
        audio.prove(original, damaged, Recipe())


def test_length_that_is_not_true_of_the_sound_is_not_published(listen):
    original, rendered = listen(5)
    with pytest.raises(ResultNotProven, match="plays 5"):
        audio.prove(original, replace(rendered, facts=rendered.facts | {"duration_seconds": 4.0}), Recipe())


def test_rendition_that_cannot_be_read_again_is_no_fault_of_the_original(convert, tmp_path):
    original, rendered = convert(2)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"no film")
    unread = replace(rendered.files[0], path=damaged)
    with pytest.raises(ResultNotProven, match="cannot be read again"):
        video.prove(original, replace(rendered, files=(unread, *rendered.files[1:])), Recipe())
