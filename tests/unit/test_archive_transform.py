"""What the record says of an archive, and the picture of its files."""

import io
import json
import zipfile

import pytest
from PIL import Image, ImageChops

from tasks.shared.work import Drawn, Original, Recipe, Rendered
from tasks.thumbnail import archive as thumbnail
from tasks.thumbnail.archive import human_size, preview, rows_of
from tasks.transform.archive import recipe_name, transform
from tests.unit.images import sample
from tests.unit.papers import archive, document, entry, saved
from workflow.errors import CorruptArchive, EmptyFile, ThumbnailError, UnsafeName

FACTS_MAX_BYTES = 4096
MIXED = {
    "Summer/photo.jpg": sample("JPEG"),
    "Summer/more/photo.png": sample("PNG"),
    "report.pdf": saved(document("Hello")),
    "notes.txt": b"plain words, " * 40,
    "nothing": b"",
}


@pytest.fixture
def render(tmp_path):
    def _render(content: bytes, **recipe) -> Rendered:
        path = tmp_path / "original"
        path.write_bytes(content)
        return transform(Original(path, "Summer 2026.zip", "application/zip", tmp_path), Recipe(**recipe))

    return _render


def test_facts_of_an_archive(render):
    facts = render(archive(MIXED, zipfile.ZIP_STORED)).facts
    size = sum(map(len, MIXED.values()))
    largest = max(MIXED, key=lambda name: len(MIXED[name]))
    assert facts == {
        "files": 5,
        "folders": 2,
        "bytes": size,
        "packed_bytes": size,
        "ratio": 1.0,
        "largest": {"name": largest, "bytes": len(MIXED[largest])},
        "types": dict.fromkeys(["image/jpeg", "image/png", "application/pdf", "text/plain", "application/x-empty"], 1),
        "notes": ["1 of the files are empty"],
    }


def test_contents_list_every_file(render):
    rendition = render(archive(MIXED)).files[0]
    assert (rendition.name, rendition.content_type) == ("contents", "application/json")
    contents = json.loads(rendition.data)
    assert contents["archive"] == "Summer 2026.zip"
    assert [file["name"] for file in contents["entries"]] == list(MIXED)
    assert contents["entries"][0] == {
        "name": "Summer/photo.jpg",
        "bytes": len(MIXED["Summer/photo.jpg"]),
        "packed_bytes": contents["entries"][0]["packed_bytes"],
        "type": "image/jpeg",
        "modified": "2026-11-23T10:00:00",
    }


def test_facts_are_small_whatever_is_in_it(render):
    names = (f"{'f' * 200}/{'g' * 200}/{at:0200}" for at in range(1000))
    assert len(json.dumps(render(archive(dict.fromkeys(names, b"x"))).facts)) < FACTS_MAX_BYTES


def test_notes_of_what_is_passed_over_and_of_archives_inside(render):
    inner = archive({"a": b"1"})
    content = b"MZ" + bytes(98) + archive({"inner.zip": inner, ".DS_Store": b"x", "__MACOSX/._a": b"x"})
    assert render(content).facts["notes"] == [
        "2 files were passed over that systems add for themselves",
        "1 of the files are archives",
        "the archive begins behind 100 bytes of something else",
    ]


def test_comment_is_private(render):
    buffer = io.BytesIO(archive({"a": b"1"}))
    with zipfile.ZipFile(buffer, "a") as packed:
        packed.comment = "packed by Ada ü".encode()
    assert "comment" not in render(buffer.getvalue()).facts
    assert render(buffer.getvalue(), publish_private=True).facts["comment"] == "packed by Ada ü"
    assert recipe_name("a.zip", Recipe()) != recipe_name("a.zip", Recipe(publish_private=True))


def test_archive_without_files(render):
    for content in (archive({}), archive({".DS_Store": b"x"})):
        with pytest.raises(EmptyFile, match="no files"):
            render(content)


def test_all_of_it_is_unpacked_once_to_see_whether_that_works(render):
    content = bytearray(archive({"good": b"1" * 5000, "bad": bytes(range(256)) * 20}, zipfile.ZIP_STORED))
    content[-400] ^= 0xFF
    with pytest.raises(CorruptArchive):
        render(bytes(content))


def test_unsafe_archive_has_no_contents(render):
    with pytest.raises(UnsafeName):
        render(archive({"good": b"1", "../bad": b"2"}))


@pytest.fixture
def draw(render, tmp_path):
    def _draw(files: dict[str, bytes]) -> Drawn:
        path = tmp_path / "contents.json"
        path.write_bytes(render(archive(files)).files[0].data)
        return preview(path)

    return _draw


def picture(drawn: Drawn) -> Image.Image:
    return Image.open(io.BytesIO(drawn.files[-1].data)).convert("RGB")


def test_sheet_in_all_sizes(draw):
    drawn = draw(MIXED)
    assert [(file.name, file.width) for file in drawn.files] == [
        ("128", 128),
        ("256", 256),
        ("512", 512),
        ("1024", 1024),
    ]
    assert drawn.thumbhash
    assert all(level > 240 for level in bytes.fromhex(drawn.dominant_color[1:]))


def test_sheet_shows_what_is_in_it(draw):
    first, second = picture(draw({"a.txt": b"1"})), picture(draw({"a.txt": b"1", "b.txt": b"2"}))
    changed = ImageChops.difference(first, second).point(lambda level: 255 * (level > 60)).getbbox()
    assert changed


def test_sheet_of_a_thousand_files_with_long_names(draw):
    deep = {f"{'folder/' * 30}{at:03}{'n' * 200}.txt": b"x" for at in range(900)}
    assert picture(draw(deep)).size == (1024, 768)


def test_rows_are_a_tree():
    entries = [{"name": name, "type": "text/plain", "bytes": 5} for name in ("b/c/2", "a/1", "b/1", "b/c/1", "top")]
    assert [(row.depth, row.name, bool(row.size)) for row in rows_of(entries)] == [
        (0, "a", False),
        (1, "1", True),
        (0, "b", False),
        (1, "1", True),
        (1, "c", False),
        (2, "1", True),
        (2, "2", True),
        (0, "top", True),
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 KB"), (99_900, "99.9 KB"), (999_600, "1.0 MB"), (2**40, "1.1 TB")],
)
def test_sizes_for_people(count, shown):
    assert human_size(count) == shown


def test_list_that_is_none(tmp_path):
    for text in (b"", b"[]", b"{}", b'{"archive": 1}'):
        (tmp_path / "contents").write_bytes(text)
        with pytest.raises(ThumbnailError):
            preview(tmp_path / "contents")


def test_drawn_from_what_transform_makes(render):
    assert thumbnail.DRAWN_FROM in {file.name for file in render(archive({"a": b"1"})).files}


def test_entry_keeps_its_name(render):
    assert json.loads(render(archive({entry("ü").filename: b"1"})).files[0].data)["entries"][0]["name"] == "ü"
