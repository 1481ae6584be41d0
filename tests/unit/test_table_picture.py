"""The picture of a table: it can be drawn of every profile, and shows what differs."""

import io
import json

import pytest
from PIL import Image

from tasks.thumbnail.table import NUMBER, TEXT, TIME, draw_table, preview
from tests.unit.tables import converted
from workflow.errors import ThumbnailError

ORDERS = "id,day,name\n" + "".join(f"{at * at},2024-01-{1 + at % 28:02},{'AB'[at % 2]}\n" for at in range(200))


def drawn(table, folder):
    path = folder / "profile.json"
    path.write_text(json.dumps(table.profile))
    return preview(path)


def picture(content: str, folder, name: str = "orders.csv") -> Image.Image:
    folder.mkdir()
    return draw_table(converted(folder, content, name=name).profile)


def has(image: Image.Image, color: str) -> bool:
    wanted = tuple(bytes.fromhex(color[1:]))
    return any(found == wanted for _, found in image.getcolors(image.width * image.height))


def test_previews_in_four_sizes(tmp_path):
    found = drawn(converted(tmp_path, ORDERS), tmp_path)
    assert [file.name for file in found.files] == ["128", "256", "512", "1024"]
    assert [Image.open(io.BytesIO(file.data)).size for file in found.files] == [
        (128, 96),
        (256, 192),
        (512, 384),
        (1024, 768),
    ]
    assert found.thumbhash
    assert found.dominant_color.startswith("#f")


def test_types_show_by_their_color(tmp_path):
    image = picture(ORDERS, tmp_path / "a")
    assert all(has(image, style.strong) for style in (NUMBER, TEXT, TIME))
    assert not has(picture("a,b\nx,y\nz,w\n", tmp_path / "b"), NUMBER.strong)


@pytest.mark.parametrize(
    ("content", "other"),
    [
        (ORDERS, ORDERS.replace("2024-01-01", "2024-06-01")),
        (ORDERS, ORDERS.replace("id,", "number,")),
        ("a,b\n1,x\n2,y\n", "a,b\n1,x\n,y\n"),
    ],
)
def test_what_differs_shows(tmp_path, content, other):
    assert picture(content, tmp_path / "one").tobytes() != picture(other, tmp_path / "other").tobytes()


@pytest.mark.parametrize(
    "content",
    [
        "ids\n001\n002\n",
        "a,b\n",
        "a,b\n,\n,\n",
        ",".join(f"c{at}" for at in range(500)) + "\n" + ",".join("1" * 500) + "\n",
        "名前,שם,مرحبا,🎉,e\u0301\n山田,שלום,أهلا,🎉🎉,x\u200d\u202ey\n",
        f'{"n" * 5000},b\n{"x" * 100_000},"two\nlines\ttab"\n',
        "a,b\n1e308,9999-12-31\n-1e+308,0001-01-01\n",
        "a,b\n5,2024-01-01\n5,2024-01-01\n",
    ],
)
def test_every_table_can_be_drawn(tmp_path, content):
    table = converted(tmp_path, content, name="売上 مرحبا " + "n" * 100 + ".csv")
    assert len(drawn(table, tmp_path).files) == 4


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"title": "x", "tables": []}', '{"title": 1, "tables": [{}]}']
)
def test_damaged_profile(tmp_path, content):
    path = tmp_path / "profile.json"
    path.write_text(content)
    with pytest.raises(ThumbnailError):
        preview(path)
