"""The files of `sluice demo`, and what becomes of each. Authors and licences are in CREDITS.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One file: what it demonstrates, and the outcome of its execution with the reject code, if there is one."""

    file: str
    shows: str
    outcome: Literal["succeeded", "rejected"] = "succeeded"
    reason: str | None = None

    @property
    def path(self) -> Path:
        """Where the file is."""
        return FOLDER / self.file


SAMPLES: tuple[Sample, ...] = (
    Sample("dandelions.jpg", "an ordinary photograph of 16 megapixels"),
    Sample("nuthatch-20-megapixels.jpg", "a photograph of 20 megapixels, scaled down while it is decoded"),
    Sample("dogs-held-sideways.jpg", "a camera held sideways: the rendition stands upright"),
    Sample("picos-de-europa-with-place.jpg", "camera, time and place in EXIF: none of it is published"),
    Sample("brushes-in-adobe-rgb.jpg", "a wide color space, converted so that colors look right everywhere"),
    Sample("drum-in-cmyk.jpg", "the inks of a printing press, converted to the colors of a screen"),
    Sample("fig-cut-out.png", "a transparent background, which is kept"),
    Sample("aitzgorri.heic", "a photograph as phones store it, which browsers cannot show"),
    Sample("astronaut-really-a-png.jpg", "a name that does not fit the content: accepted, with a note"),
    Sample("big-buck-bunny.mp4", "a video: played at once by any browser, with a storyboard"),
    Sample("big-buck-bunny.mp3", "music: its loudness, its waveform and its cover"),
    Sample("seattle-weather.csv", "a table: typed columns in Parquet, and a profile of each"),
    Sample("orders-with-decimal-commas.csv", "a messy export: codes keep their zeros, a bad row is set aside"),
    Sample("notes-with-a-script.pdf", "a document with a script in it, published without"),
    Sample("harvest.zip", "an archive: each file in it is taken in, too"),
    Sample("sunset-cut-off.jpg", "an upload that was cut off", "rejected", "TruncatedFile"),
    Sample("shopping-list.jpg", "a text named like a photograph", "rejected", "UnsupportedType"),
)
