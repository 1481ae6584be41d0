"""Previews of a PDF show its first page as viewers do."""

import io

import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from tasks.shared.confined import Confines
from tasks.shared.work import Drawn
from tasks.thumbnail import document as kind
from tests.unit.papers import annotate, document, photograph, saved, set_in
from tests.unit.test_document_transform import bomb
from workflow.errors import ThumbnailError


@pytest.fixture
def draw(tmp_path):
    def _draw(content: bytes | Pdf) -> Drawn:
        path = tmp_path / "web.pdf"
        path.write_bytes(saved(content) if isinstance(content, Pdf) else content)
        return kind.preview(path)

    return _draw


def picture(drawn: Drawn, at: int = -1) -> Image.Image:
    return Image.open(io.BytesIO(drawn.files[at].data)).convert("RGB")


def painted(*commands: str, pages: int = 1) -> Pdf:
    pdf = document(*[""] * pages)
    pdf.pages[0].obj.Contents = pdf.make_stream(" ".join(commands).encode())
    return pdf


def test_first_page_in_all_sizes(draw):
    red_above_white = painted("1 0 0 rg 0 421 595 421 re f", pages=3)
    drawn = draw(red_above_white)
    assert [(file.name, file.width, file.height) for file in drawn.files] == [
        ("128", 90, 128),
        ("256", 181, 256),
        ("512", 362, 512),
    ]
    shown = picture(drawn)
    assert shown.getpixel((180, 100))[0] > 240
    assert shown.getpixel((180, 100))[2] < 15
    assert min(shown.getpixel((180, 400))) > 240
    assert drawn.thumbhash


def test_turned_page(draw):
    pdf = painted("0 0 1 rg 0 0 595 421 re f")
    pdf.pages[0].obj.Rotate = 90
    shown = picture(draw(pdf))
    assert shown.size == (512, 362)
    assert shown.getpixel((100, 180))[2] > 240
    assert shown.getpixel((100, 180))[0] < 15


def test_paper_is_white_where_nothing_is_painted(draw):
    assert draw(painted("")).dominant_color == "#ffffff"


def test_filled_in_fields_are_shown(draw):
    pdf = painted("")
    field = annotate(pdf, "/Widget", FT=Name.Tx, T="name", V="Ada")
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))
    assert picture(draw(pdf)).getpixel((73, 439))[2] > 200
    assert picture(draw(pdf)).getpixel((73, 439))[0] < 60


def test_photograph_fills_the_page(draw):
    pdf = document("")
    photograph(pdf)
    shown = picture(draw(pdf))
    assert shown.getpixel((180, 10))[0] < 40
    assert shown.getpixel((180, 500))[0] > 220


@pytest.mark.parametrize(
    "box", [[0, 0, 14_400, 1], [0, 0, 1, 14_400], [0, 0, 10**9, 10**9], [0, 0, 0, 0], [5, 5, 5, 900]]
)
def test_senseless_sizes_of_pages(draw, box):
    pdf = painted("1 0 0 rg 0 0 9999 9999 re f")
    pdf.pages[0].obj.MediaBox = Array(box)
    assert max(picture(draw(pdf)).size) == 512


def test_page_that_takes_too_long_costs_only_the_thumbnail(draw, monkeypatch):
    monkeypatch.setattr(kind, "CONFINES", Confines(memory_mb=2000, seconds=60, cpu_seconds=1))
    with pytest.raises(ThumbnailError, match="more than 1 seconds of computing"):
        draw(bomb(300))


def test_rendition_that_is_none(draw):
    with pytest.raises(ThumbnailError, match="could not be drawn"):
        draw(b"%PDF-1.7 nothing")


@pytest.mark.parametrize(
    ("font", "encoding", "letters"),
    [
        ("STSong-Light", "UniGB-UCS2-H", "你好世界"),
        ("MSung-Light", "UniCNS-UCS2-H", "繁體字"),
        ("HeiseiMin-W3", "UniJIS-UCS2-H", "日本語テスト"),
        ("HYSMyeongJo-Medium", "UniKS-UCS2-H", "안녕하세요"),
    ],
)
def test_east_asian_letters_are_drawn_though_their_font_is_not_in_the_file(tmp_path, font, encoding, letters):
    pdf = document("")
    set_in(pdf, font, encoding, letters.encode("utf-16-be"))
    path, pixels = tmp_path / "web.pdf", tmp_path / "pixels"
    path.write_bytes(saved(pdf))
    size = kind.render_first_page(str(path), str(pixels))
    drawn = Image.frombytes("RGB", size, pixels.read_bytes()).convert("L")
    assert sum(drawn.histogram()[:64]) > 50 * len(letters)
