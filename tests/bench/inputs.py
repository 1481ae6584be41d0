"""Makes the files that the bench works on, always the same ones, of the project's samples and of numbers."""

import datetime as dt
import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageCms

from infra.local.samples import FOLDER
from tests.unit.papers import document

HEADER = "id,ordered,country,amount,phone,remark\n"
_BLOCK_ROWS = 200_000
_LINES = ("words and words and more of the same, line after line",) * 40


@dataclass(frozen=True)
class Input:
    """A file by its name, and how it is made."""

    name: str
    media_type: str
    make: Callable[[Path], object]

    def there(self, folder: Path) -> Path:
        path = folder / self.name
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f"unfinished-{self.name}"
            self.make(unfinished)
            unfinished.rename(path)
        return path


def grown(sample: str, size: tuple[int, int], noise: int) -> Image.Image:
    """A photograph of another size that is as sharp and as noisy as one from a camera."""
    photo = Image.open(FOLDER / sample).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    grain = Image.effect_noise((1009, 997), noise)
    tiled = Image.new("L", size)
    for left in range(0, size[0], grain.width):
        for top in range(0, size[1], grain.height):
            tiled.paste(grain, (left, top))
    return ImageChops.add(photo, Image.merge("RGB", [tiled] * 3), 1, -128)


def _photo(sample: str, width: int, height: int, **options: object) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        grown(sample, (width, height), 5).save(path, "JPEG", **options)

    return make


def _sample(name: str, media_type: str) -> Input:
    return Input(name, media_type, lambda path: path.write_bytes((FOLDER / name).read_bytes()))


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Bench"
    return exif.tobytes()


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photographs() -> tuple[Input, ...]:
    """Eight, of 8 to 48 megapixels, as phones and cameras make them."""
    made = (
        ("nuthatch-20-megapixels.jpg", 4032, 3024, {"quality": 90, "exif": _exif(1)}),
        ("dandelions.jpg", 4000, 3000, {"quality": 90, "exif": _exif(6)}),
        ("picos-de-europa-with-place.jpg", 4032, 3024, {"quality": 90, "icc_profile": _srgb()}),
        ("dogs-held-sideways.jpg", 4000, 3000, {"quality": 90, "exif": _exif(8), "icc_profile": _srgb()}),
        ("dandelions.jpg", 6000, 4000, {"quality": 92, "subsampling": 1, "icc_profile": _srgb()}),
        ("nuthatch-20-megapixels.jpg", 8064, 6048, {"quality": 88, "exif": _exif(6)}),
    )
    grown_ones = [
        Input(f"photo-{at}.jpg", "image/jpeg", _photo(sample, width, height, **options))
        for at, (sample, width, height, options) in enumerate(made)
    ]
    as_they_are = [
        _sample(name, "image/jpeg") for name in ("nuthatch-20-megapixels.jpg", "picos-de-europa-with-place.jpg")
    ]
    return (*grown_ones, *as_they_are)


def _cut_out(path: Path) -> None:
    photo = grown("dandelions.jpg", (5120, 2880), 2)
    photo.putalpha(Image.radial_gradient("L").resize(photo.size).point(lambda level: 255 - level))
    photo.save(path, "PNG", compress_level=4)


def _opaque(path: Path) -> None:
    grown("dandelions.jpg", (5120, 2880), 2).convert("RGBA").save(path, "PNG", compress_level=4)


def _webp(path: Path) -> None:
    grown("nuthatch-20-megapixels.jpg", (4032, 3024), 5).save(path, "WEBP", quality=85, method=2)


def orders(rows: int) -> Iterator[list[object]]:
    chance, start = random.Random(1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    for at in range(rows):
        yield [
            at * 7919 % 99_999_989,
            f"{start + dt.timedelta(seconds=at * 37):%Y-%m-%d %H:%M:%S}",
            chance.choice(("DE", "FR", "GB", "JP", "US")),
            round(chance.lognormvariate(4, 1), 2),
            f"{chance.randrange(10**9):09d}",
            f"{chance.choice(('paid', 'open, late', 'sent'))} no {at % 1000}",
        ]


def _csv_lines() -> Iterator[str]:
    for number, ordered, country, amount, phone, remark in orders(_BLOCK_ROWS):
        yield f'{number},{ordered},{country},{amount:.2f},{phone},"{remark}"\n'


def _json_lines() -> Iterator[str]:
    names = HEADER.strip().split(",")
    for row in orders(_BLOCK_ROWS):
        yield json.dumps(dict(zip(names, row, strict=True))) + "\n"


def _nested_lines() -> Iterator[str]:
    for number, ordered, country, amount, _, remark in orders(_BLOCK_ROWS):
        value = {"id": number, "at": ordered, "from": {"country": country}, "tags": [remark, country], "amount": amount}
        yield json.dumps(value) + "\n"


def _blocks(lines: Callable[[], Iterator[str]], megabytes: int, header: str = "") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        block = "".join(lines())
        is_packed = path.suffix == ".gz"
        with gzip.open(path, "wt", compresslevel=6) if is_packed else path.open("w") as file:
            file.write(header)
            for _ in range(megabytes * 1_000_000 // len(block) + 1):
                file.write(block)

    return make


def table(name: str, megabytes: int) -> Input:
    made: Mapping[str, tuple[str, Callable[[Path], None]]] = {
        "orders.csv": ("text/csv", _blocks(_csv_lines, megabytes, HEADER)),
        "orders.csv.gz": ("text/csv+gzip", _blocks(_csv_lines, megabytes, HEADER)),
        "orders.ndjson": ("application/x-ndjson", _blocks(_json_lines, megabytes)),
        "nested.ndjson": ("application/x-ndjson", _blocks(_nested_lines, megabytes)),
    }
    media_type, make = made[name]
    return Input(f"{megabytes}-mb-{name}", media_type, make)


def _page(path: Path) -> None:
    document(") Tj 0 -14 Td (".join(_LINES)).save(path)


CUT_OUT = Input("cut-out.png", "image/png", _cut_out)
OPAQUE = Input("opaque.png", "image/png", _opaque)
WEBP = Input("photo.webp", "image/webp", _webp)
PAGE = Input("page.pdf", "application/pdf", _page)
FILM = _sample("big-buck-bunny.mp4", "video/mp4")
