"""A rendition that lacks something of its original, or that the record is not true of, is not published."""

from dataclasses import replace

import pytest

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform import audio, video
from tasks.transform.video import proof
from tests.unit.movies import Movie, Sound, counting
from tests.unit.sounds import FORMATS, encoded, sound, tone
from workflow.errors import CorruptMedia, ResultNotProven

SECONDS = 24
HEARD = r"is heard at \d+ s, and the rendition is not"
TONE, SILENCE = "0.25*sin(2*PI*1000*t)", "0"


def film(seconds: int = SECONDS, expression: str = TONE) -> Movie:
    return Movie(list(counting(5 * seconds)), rate=5, sounds=[Sound(expression, seconds=seconds)])


@pytest.fixture
def convert(tmp_path):
    def _convert(movie: Movie, name: str) -> tuple[Original, Rendered]:
        scratch = tmp_path / name
        scratch.mkdir()
        path = movie.write(scratch / "original", "matroska")
        original = Original(path, "original", "", scratch)
        return original, video.transform(original, Recipe())

    return _convert


@pytest.fixture
def listen(tmp_path):
    def _listen(content: bytes, name: str) -> tuple[Original, Rendered]:
        scratch = tmp_path / name
        scratch.mkdir()
        path = scratch / "original"
        path.write_bytes(content)
        original = Original(path, "original", FORMATS["WAV"].media_type, scratch)
        return original, audio.transform(original, Recipe())

    return _listen


def prove_in_parts(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    with original.path.open("rb") as stream:
        proof.prove(stream, rendered, here_and_there=True)


@pytest.mark.parametrize("prove", [video.prove, prove_in_parts])
def test_rendition_of_the_whole_film_is_proven(convert, prove):
    prove(*convert(film(), "whole"), Recipe())


@pytest.mark.parametrize("prove", [video.prove, prove_in_parts])
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (film(12), r"has pictures the rendition has none, from 1\d s on"),
        (film(expression=f"{TONE}*lt(t,9)"), HEARD),
        (film(expression=SILENCE), HEARD),
    ],
    ids=["cut", "mute from some time on", "mute"],
)
def test_rendition_that_lacks_something_is_not_published(convert, prove, other, said):
    """The record tells of the rendition as it is: only the original knows better."""
    original, _ = convert(film(), "whole")
    _, lacking = convert(other, "other")
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
    original, rendered = convert(film(), "whole")
    with pytest.raises(ResultNotProven, match=said):
        video.prove(original, replace(rendered, facts=rendered.facts | untrue), Recipe())


def test_picture_of_another_size_than_is_said_is_not_published(convert):
    original, rendered = convert(film(2), "whole")
    taller = replace(rendered.files[0], height=96)
    with pytest.raises(ResultNotProven, match="64 by 48 pixels, not 64 by 96"):
        video.prove(original, replace(rendered, files=(taller,)), Recipe())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda: encoded("WAV", tone(12)), HEARD),
        (lambda: encoded("WAV", sound(SECONDS, *["0.1*sin(2000*PI*t)*lt(t,9)"] * 2)), HEARD),
    ],
    ids=["cut", "mute from some time on"],
)
def test_sound_that_lacks_something_is_not_published(listen, other, said):
    original, rendered = listen(encoded("WAV", tone(SECONDS)), "whole")
    audio.prove(original, rendered, Recipe())
    _, lacking = listen(other(), "other")
    with pytest.raises(ResultNotProven, match=said):
        audio.prove(original, lacking, Recipe())


def test_sound_that_cannot_be_told_for_damage_is_refused(listen):
    original, _ = listen(encoded("WAV", tone(SECONDS)), "whole")
    _, lacking = listen(encoded("WAV", tone(12)), "other")
    damaged = replace(lacking, facts=lacking.facts | {"left_out": 2})
    with pytest.raises(CorruptMedia, match="2 packets"):
        audio.prove(original, damaged, Recipe())


def test_length_that_is_not_true_of_the_sound_is_not_published(listen):
    original, rendered = listen(encoded("WAV", tone(5)), "whole")
    with pytest.raises(ResultNotProven, match="plays 5"):
        audio.prove(original, replace(rendered, facts=rendered.facts | {"duration_seconds": 4.0}), Recipe())


def test_rendition_that_cannot_be_read_again_is_no_fault_of_the_original(convert):
    original, rendered = convert(film(2), "whole")
    rendered.files[0].path.write_bytes(b"no film")
    with pytest.raises(ResultNotProven, match="cannot be read again"):
        video.prove(original, rendered, Recipe())
