"""Text tracks are published as captions only where they are what people say."""

import pytest
from PIL import Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.video import transform
from tasks.transform.video.dialogue import why_no_dialogue
from tests.unit.movies import Captions, Movie

SECOND = [Image.new("RGB", (64, 48), "gray")] * 25

DIALOGUE = {
    "English": ["Where are you going?", "To the 10.30 train.", "It's 5 to 10!", "- Run!\n- I am.", "No. 7, platform 3"],
    "Chinese": ["你要去哪里?", "去车站。", "快点!"],
    "Korean": ["어디 가요?", "역에 가요."],
    "Arabic": ["إلى أين أنت ذاهب؟", "إلى المحطة."],
    "a song": ["♪ La la la ♪", "♪ Hey, hey ♪"] * 8 + [f"verse {word}" for word in ("one", "two", "three", "four")],
    "a countdown": ["Get ready", "Three, two, one", "3", "Go, go, go!", "That was fast", "Indeed it was"],
    "nothing": [],
}
MEASURED = {
    "a drone's camera": [f"F/2.8, SS {200 + at}.14, ISO 100, EV 0, D 60.44m, H.S 1.00m/s" for at in range(20)],
    "another drone's": [f"[iso : 110] [shutter : 1/{at}.0] [fnum : 280] [ct : 5500]" for at in range(20)],
    "a gyroscope": [f"{at}.01 0.52 -0.33" for at in range(20)],
    "a gyroscope by name": [f"gx:{at} gy:-5 gz:0" for at in range(3)],
    "a clock": [f"2026-11-29 01:02:{at:02}" for at in range(20)],
    "a counter": [f"Frame number {at}" for at in range(50)],
    "a heart": [f"heart rate {60 + at} beats" for at in range(30)],
    "a place by name": ["Hidden Street"] * 60,
    "packed data": ["eyJsYXQiOjQ4LjEsImxvbiI6MTEuNX0" * 4] * 3,
    "JSON": [f'{{"speed": {at}, "pitch": 3}}' for at in range(5)],
    "positions": ["We are at 48.136761, 11.575549", "And now we are elsewhere", "Good"],
}


@pytest.fixture
def render(tmp_path):
    def _render(movie: Movie) -> Rendered:
        return transform(Original(movie.write(tmp_path / "original"), "original", "", tmp_path), Recipe())

    return _render


@pytest.mark.parametrize("track", DIALOGUE)
def test_what_people_say_is_published(track):
    assert why_no_dialogue(DIALOGUE[track], "SubtitleHandler") == ""


@pytest.mark.parametrize("track", MEASURED)
def test_what_devices_measure_is_not(track):
    assert why_no_dialogue(MEASURED[track], "SubtitleHandler")


@pytest.mark.parametrize("name", ["DJI.Subtitle", "GoPro MET", "GPS data", "Telemetry", "Gyro"])
def test_track_that_names_a_device_is_not(name):
    assert why_no_dialogue(["Hello"], name) == "it is made by a measuring device"


def test_positions_are_no_captions_and_the_note_says_so(render):
    seconds = [(at * 40, 40, f"GPS (19.{at:04}, 48.7296, 20), ISO 100") for at in range(20)]
    spoken = [(0, 500, "Look at that!"), (500, 400, "Beautiful.")]
    captions = [Captions(seconds), Captions(spoken, language="eng")]
    rendered = render(Movie(SECOND, captions=captions))
    assert [file.name for file in rendered.files] == ["web", "captions-eng"]
    assert "a text track (und) was left out: it tells positions" in rendered.facts["notes"]


def test_single_position_in_a_dialogue_costs_that_caption_alone(render):
    words = ["north", "south", "east", "west", "up", "down", "left", "right", "here", "there"]
    lines = [f"They went {word} and {other}" for word in words for other in words]
    cues = [(at * 9, 9, line) for at, line in enumerate([*lines, "Meet me at 48.136761, 11.575549"])]
    rendered = render(Movie(SECOND, captions=[Captions(cues, language="eng")]))
    assert b"48.13" not in rendered.files[1].data
    assert rendered.files[1].data.count(b"They went") == 100
    assert "1 captions (eng) that tell positions were left out" in rendered.facts["notes"]
