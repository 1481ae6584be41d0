"""What is turned away before it is downloaded, and in which words."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.validate.inspect import MAX_BYTES, SMALLER, Verdict, check_name_and_size, inspect
from tests.unit.images import MEDIA_TYPES, SAMPLE_OPTIONS, claiming, sample
from workflow.errors import (
    EmptyFile,
    FolderMarker,
    ForbiddenType,
    NameTooLong,
    RejectedError,
    TooLarge,
    TooManyPixels,
    TruncatedFile,
    UnsupportedType,
)
from workflow.kinds import IMAGE, KINDS
from workflow.units import MIB, told_apart

SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'


def verdict(
    content: bytes, key: str = "photo", declared: str = "", size: int | None = None, *, big_files: bool = False
) -> Verdict:
    size, ends = len(content) if size is None else size, {"head": content[:65536], "tail": content[-65536:]}
    return inspect(key=key, size=size, declared_type=declared, big_files=big_files, **ends)


def judge(content: bytes) -> None:
    """Accepted or rejected are both right; any other error is not."""
    try:
        assert verdict(content).kind in KINDS
    except RejectedError as exc:
        assert str(exc)  # noqa: PT017 - see above


@pytest.mark.parametrize("name", SAMPLE_OPTIONS)
def test_every_format_is_accepted_under_each_of_its_names(name):
    found = IMAGE.formats[MEDIA_TYPES[name]]
    for extension in (*found.extensions, *map(str.upper, found.extensions), ""):
        assert verdict(sample(name), f"a/b{extension}", found.media_type) == Verdict("image", found.media_type)


def test_lying_name_is_accepted_with_a_note():
    assert verdict(sample("JPEG"), "holiday.png").notes == ("named .png, but the content is JPEG",)


def test_lying_declared_type_is_accepted_with_a_note():
    notes = verdict(sample("PNG"), "a.png", "image/gif; charset=binary").notes
    assert notes == ("declared as image/gif, but the content is PNG",)


@pytest.mark.parametrize("declared", ["", "binary/octet-stream", "application/octet-stream", "image/jpg", "IMAGE/JPEG"])
def test_usual_declared_types_are_not_worth_a_note(declared):
    assert verdict(sample("JPEG"), "a.jpg", declared).notes == ()


@pytest.mark.parametrize(
    ("key", "size", "error"),
    [
        ("photos/", 0, FolderMarker),
        ("photos/", 10, FolderMarker),
        ("a.jpg", 0, EmptyFile),
        ("a" * 256, 1, NameTooLong),
        ("é" * 128, 1, NameTooLong),
        ("folder/" * 130 + "a.jpg", 1, NameTooLong),
        ("a.jpg", MAX_BYTES + 1, TooLarge),
    ],
)
def test_names_and_sizes_are_refused_without_a_read(key, size, error):
    with pytest.raises(error):
        check_name_and_size(key, size)


@pytest.mark.parametrize("key", ["a" * 255, "é" * 127, "folder/" * 128])
def test_names_up_to_the_limit_are_fine(key):
    check_name_and_size(key.rstrip("/"), MAX_BYTES)


def test_too_large_says_how_large_and_what_is_allowed():
    with pytest.raises(TooLarge, match=r"300\.5 MiB; 200 MiB is .* images; up to 2 GiB .* big_files.*pixels"):
        verdict(sample("TIFF"), "a.tif", size=int(300.5 * MIB))


def test_a_stage_with_containers_takes_what_no_function_can():
    big = 3 * 1024 * MIB
    assert verdict(sample("TIFF"), "a.tif", size=big // 2, big_files=True).kind == "image"
    with pytest.raises(TooLarge, match=r"3 GiB; 2 GiB is the most that is taken of images\. Make"):
        verdict(sample("TIFF"), "a.tif", size=big, big_files=True)


def test_what_is_packed_must_fit_a_function_all_the_same():
    with pytest.raises(TooLarge, match=r"5 GiB; 4 GiB is the most that is taken of tables\. Split"):
        verdict(gzip.compress(b"a,b\n1,2\n"), "a.csv.gz", size=5 * 1024 * MIB, big_files=True)


def test_the_live_setting_that_refuses_a_file_is_named_in_units_that_show_the_difference():
    content = b"a,b\n1,2\n"
    with pytest.raises(TooLarge) as refused:
        inspect(
            key="a.csv", size=131_072, declared_type="", head=content, tail=content, lowered={"table": 131_071},
            big_files=True,
        )  # fmt: skip
    said = str(refused.value)
    assert "131,072 bytes; 131,071 bytes is what the live setting max_bytes.table allows" in said
    assert "split it" in said
    assert "pixels" not in said
    assert "big_files" not in said


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((3 * 1024 * MIB, 2 * 1024 * MIB), ["3 GiB", "2 GiB"]),
        ((int(300.5 * MIB), 200 * MIB), ["300.5 MiB", "200 MiB"]),
        ((200 * MIB + 1, 200 * MIB), ["209,715,201 bytes", "209,715,200 bytes"]),
        ((102_400, 1000), ["102,400 bytes", "1,000 bytes"]),
        ((2048, 1024), ["2 KiB", "1 KiB"]),
    ],
)
def test_sizes_that_differ_look_different(sizes, told):
    assert told_apart(*sizes) == told


def test_every_kind_has_advice_that_makes_its_files_smaller():
    assert SMALLER.keys() == KINDS.keys()


def test_text_named_like_a_photograph_is_called_text():
    with pytest.raises(UnsupportedType, match=r"plain text.*images \(JPEG, PNG, .*AVIF\)"):
        verdict(b"shopping list\n- apples\n", "list.jpg")


@pytest.mark.parametrize("content", [b"II*\0\x10\0\0\0CR\2\0" + bytes(90), b"FUJIFILMCCD-RAW" + bytes(90)])
def test_camera_raw_is_called_what_it_is(content):
    with pytest.raises(UnsupportedType, match=r"a camera raw file.*Develop it"):
        verdict(content, "IMG_1.CR2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix" + bytes(90), r"a segment of a stream.*Join it with"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90), r"a JPEG XL image.*Export it as PNG"),
        (b"ARROW1\0\0" + bytes(90), r"an Arrow or Feather table.*Parquet or CSV"),
        (b"Obj\x01\x04\x14avro.codec" + bytes(90), r"an Avro table.*Parquet or CSV"),
        (b"ORC\x0a\0\x03" + bytes(90), r"an ORC table.*Parquet or CSV"),
        (b"SQLite format 3\0" + bytes(90), r"an SQLite database.*Parquet or CSV"),
        (b"MThd\0\0\0\x06\0\1\0\2\1\xe0MTrk" + bytes(90), r"a MIDI file.*Render it"),
        (b"MAC \x96\x0f\0\0" + bytes(90), r"a Monkey's Audio sound.*FLAC, WAV or MP3"),
        (b"wvpk\x10\0\0\0\x10\4" + bytes(90), r"a WavPack sound.*FLAC, WAV or MP3"),
        (b"\x06\x0e\x2b\x34\2\5\1\1" + bytes(90), r"an MXF film.*MP4 or MKV"),
        (bytes(128) + b"DICM" + bytes(90), r"a DICOM image.*Export it as PNG"),
        (b"\0\0\0\1\x67\x64\0\x1e" + bytes(90), r"a bare H\.264 stream.*Put the stream into"),
        (b"MAC addresses of the printers\n", r"plain text"),
        (b"GRIB and BEAR IT\nby hand\n", r"plain text"),
    ],
)
def test_known_thing_is_named_with_what_to_do(content, said):
    with pytest.raises(UnsupportedType, match=said):
        verdict(content, "thing")


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT href='a.js'/>",
        "<circle onload='alert(1)'/>",
        "<circle onclick = 'alert(1)'/>",
        "<foreignObject><body/></foreignObject>",
        "<image href='http://example.com/track.png'/>",
        "<use xlink:href='//example.com/a.svg#x'/>",
        "<a href='javascript:alert(1)'><text>x</text></a>",
        "<style>@import url(http://example.com/a.css)</style>",
        "<rect fill='url(http://example.com/a.svg#p)'/>",
        "<!ENTITY a SYSTEM 'file:///etc/passwd'>",
        "<!ENTITY a 'aaaaaaaaaa'>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_drawing_that_could_act_is_forbidden(inside, encoding):
    with pytest.raises(ForbiddenType, match="SVG drawing with scripts"):
        verdict(SVG.format(inside).encode(encoding), "logo.svg")


@pytest.mark.parametrize(
    "inside",
    ["<circle r='1'/>", "<a href='https://example.com/'><text>on sale = now</text></a>", "<rect fill='url(#p)'/>"],
)
def test_harmless_drawing_is_merely_unsupported(inside):
    with pytest.raises(UnsupportedType, match="SVG drawing"):
        verdict(SVG.format(inside).encode(), "logo.svg")


@pytest.mark.parametrize(
    "content", [b"\x7fELF\2\1\1", b"MZ\x90\0" + bytes(64), b"#!/bin/sh\n", b"<html><body>", b"\0asm\1\0\0\0"]
)
def test_programs_and_pages_are_forbidden_whatever_their_name(content):
    with pytest.raises(ForbiddenType, match="could act when opened"):
        verdict(content, "cat.jpg", "image/jpeg")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "HEIF", "ICO", "JPEG2000", "PSD"])
def test_decompression_bomb_is_refused_by_its_header_alone(name):
    content = claiming(name, 16_000, 16_000)
    with pytest.raises(TooManyPixels, match=r"16,000 by 16,000 pixels, which is 256\.0 megapixels"):
        verdict(content, size=22 + 8 if name == "WEBP" else 10_000)


def test_bitmap_stored_top_down_does_not_hide_its_size_behind_a_minus():
    content = bytearray(claiming("BMP", 16_000, 16_000))
    content[22:26] = (-16_000).to_bytes(4, "little", signed=True)
    with pytest.raises(TooManyPixels, match="16,000 by 16,000"):
        verdict(bytes(content))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "HEIF"])
def test_large_photographs_within_the_limit_pass(name):
    assert verdict(claiming(name, 8_000, 7_000), size=22 + 8 if name == "WEBP" else 10_000).kind == "image"


@pytest.mark.parametrize("name", ["PNG", "WEBP", "HEIF", "AVIF", "ICO", "JPEG2000"])
def test_file_cut_off_on_the_way_is_recognised(name):
    content = sample(name)
    with pytest.raises(TruncatedFile, match="upload the complete file again"):
        verdict(content[: len(content) * 2 // 3])


@pytest.mark.parametrize("name", SAMPLE_OPTIONS)
def test_data_behind_the_image_is_no_damage(name):
    """Phones append videos and second pictures; old software pads files."""
    assert verdict(sample(name) + bytes(5000)).kind == "image"


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=3000))
def test_random_bytes_are_judged_and_nothing_else_happens(content):
    judge(content)


@settings(deadline=None)
@given(st.sampled_from(list(SAMPLE_OPTIONS)), st.integers(0, 400), st.binary(min_size=1, max_size=12))
def test_mutated_headers_are_judged_and_nothing_else_happens(name, at, filling):
    content = sample(name)
    judge(content[:at] + filling + content[at + len(filling) :])


HALF = 32_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "hostile",
    [
        b"<!---->" * 9000,
        b"<!-- " * 13_000,
        b"<svg>" + b"<a " * 20_000,
        b"<svg><a href=" + b" " * 60_000,
        b"<svg " + b"on" * HALF,
        b"<svg>" + b"<x:" * 20_000,
        b"<" + b"w" * 60_000 + b":svg",
        b"{}" + b"\n" * 60_000,
        b"{" + b"} " * HALF,
        b'"' * 60_001 + b",\n,\n",
        b"[" * 60_000,
        b"\xff" * 65_000,
        b"\xff\xd8\xff" + b"\xff\xc4\0\2" * 16_000,
        b"II*\0\x08\0\0\0\xff\xff" + bytes(65_000),
        b"\0\0\0\x14ftypheic\0\0\0\0heic" + b"\0\0\0\x08free" * 8000,
        b"\0\0\0\x14ftypheic\0\0\0\0heic" + b"ispe\0\0\0\0" * 8000,
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0tEXt\0\0\0\0" * 5000,
    ],
    ids=lambda content: repr(content[:16]),
)
def test_hostile_repetition_is_judged_at_once(hostile):
    judge(hostile)
    judge(hostile + b"\0\1")


# what a stage does not take, and what is said of documents


def test_archive_is_refused_where_a_stage_does_not_expand_them():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("words/word/a.txt", "not a document, whatever its folders are called")
    content = packed.getvalue()
    assert verdict(content, "words.zip").kind == "archive"
    ends = {"head": content, "tail": content}
    with pytest.raises(UnsupportedType, match=r"a ZIP archive.*Unpack it and upload its files") as refusal:
        inspect(key="words.zip", size=len(content), declared_type="", refused={"archive": "a setting"}, **ends)
    assert "archives (" not in str(refusal.value)


def test_office_document_is_to_be_exported_as_pdf():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as document:
        for name in ("[Content_Types].xml", "_rels/.rels", "word/document.xml"):
            document.writestr(name, "<x/>")
    with pytest.raises(UnsupportedType, match=r"a Word document.*Export it as PDF"):
        verdict(packed.getvalue(), "letter.docx")


@pytest.mark.parametrize(
    ("name", "kind"), [("ids.csv", "table"), ("ids.csv.gz", "table"), ("ids.jpg", None), ("ids.txt", None)]
)
def test_name_tells_only_which_text_it_is(name, kind):
    content = b"id\n0001\n0002\n"
    content = gzip.compress(content) if name.endswith(".gz") else content
    if kind:
        assert verdict(content, name).kind == kind
    else:
        with pytest.raises(UnsupportedType, match="plain text"):
            verdict(content, name)
