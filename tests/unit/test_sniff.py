"""Types are told by content alone."""

import gzip
import io
import tarfile
import zipfile

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sniffing.sniff import Sniffed, sniff
from tests.unit.images import MEDIA_TYPES, SAMPLE_OPTIONS, claiming, sample
from tests.unit.movies import Movie, Sound, counting
from tests.unit.sounds import encoded, with_id3

OFFICE = "application/vnd.openxmlformats-officedocument."
ISO_VIDEO = b"\0\0\0\x18ftypisom\0\0\2\0isomavc1" + bytes(100)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>'
TIFF_WITH_TAG = b"II*\0\x08\0\0\0\2\0%s\x01\0\0\0\x04\1\4\0\1\0\0\0\1\0\0\0" + bytes(4)


def ends(content: bytes) -> Sniffed:
    return sniff(content[:65536], content[-65536:], len(content))


def zip_with(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


@pytest.mark.parametrize("name", SAMPLE_OPTIONS)
def test_every_accepted_format_is_recognised(name):
    assert ends(sample(name)) == Sniffed(MEDIA_TYPES[name])


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\r\n\r\n%PDF-1.4 after junk", "application/pdf"),
        (ISO_VIDEO, "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "image/heic"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0mp42isom", "audio/mp4"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "image/avif"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "image/x-raw"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        ((b"G" + bytes(187)) * 4, "video/mp2t"),
        (b"the last words of another packet" + (b"G" + b"\1" * 187) * 8, "video/mp2t"),
        (b"\1" * 40 + (b"G" + b"\2" * 203) * 8, "video/mp2t"),
        (with_id3(encoded("FLAC"), (b"TIT2", b"\0Largo")), "audio/flac"),
        (with_id3(encoded("AAC"), (b"TIT2", b"\0Largo")), "audio/aac"),
        (with_id3(encoded("MP3"), (b"TIT2", b"\0Largo")), "audio/mpeg"),
        (b"BW64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"\x91\0\x07" * 99 + encoded("MP3"), "audio/mpeg"),
        (b"\x91\0\x07" * 99 + encoded("AAC"), "audio/aac"),
        (b"\x91\0\x07" * 99 + b"\xff\xfb\x90\x64" + bytes(2000), "application/octet-stream"),
        (b"OggS" + bytes(24) + b"\x80theora" + bytes(99), "video/ogg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(400), "audio/aac"),
        (b"OggS\0\2" + bytes(22) + b"\x01vorbis", "audio/ogg"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (zip_with("a.txt"), "application/zip"),
        (zip_with("[Content_Types].xml", "word/document.xml"), OFFICE + "wordprocessingml.document"),
        (zip_with("[Content_Types].xml", "xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
        (zip_with("META-INF/MANIFEST.MF"), "application/java-archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "application/msword"),
        (tar(), "application/x-tar"),
        (b"\x1f\x8b\x08" + bytes(10), "application/gzip"),
        (b"PAR1" + bytes(10) + b"PAR1", "application/vnd.apache.parquet"),
        (b"\x7fELF\2\1\1", "application/x-elf"),
        (b"MZ\x90\0\3\0\0\0" + bytes(64) + b"PE\0\0", "application/x-dosexec"),
        (b"\xcf\xfa\xed\xfe\7\0\0\1", "application/x-mach-binary"),
        (b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(20), "application/x-mach-binary"),
        (b"\xca\xfe\xba\xbe\0\0\0\x41" + bytes(20), "application/java-vm"),
        (b"#!/bin/sh\nrm -rf /\n", "text/x-script"),
        (b"\0asm\1\0\0\0", "application/wasm"),
        (b"<!DOCTYPE html><p>hi", "text/html"),
        (b"\xef\xbb\xbf  <!-- hello -->\n<HTML><body>", "text/html"),
        (SVG, "image/svg+xml"),
        (SVG.decode().encode("utf-16"), "image/svg+xml"),
        (b"<?xml version='1.0'?><note/>", "application/xml"),
        (b'{"a": 1}', "application/json"),
        (b'[{"a": 1}, {"a": 2}]', "application/json"),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
        (b"a,b\n1,2\n3,4\n", "text/csv"),
        (b'a;b\n"x;y";2\n3;4\n', "text/csv"),
        (b"a\tb\n1\t2\n", "text/tab-separated-values"),
        (b"Report of May\n\nid;name;size\n1;a;2\n2;b;3\n", "text/csv"),
        (b'id,text\n1,"two\nlines, and more"\n2,"x"\n', "text/csv"),
        (b"\xfe\xff" + "a,b\n1,2\n".encode("utf-16-be"), "text/csv"),
        ("a;b\n1;2\n".encode("utf-16-be"), "text/csv"),
        (b"a,b\nx\0y,2\n", "text/csv"),
        (b"FORM,COLOR\n1,red\n2,blue\n", "text/csv"),
        (b"ID3,tag\n1,red\n2,blue\n", "text/csv"),
        (b"[12] started\n[13] stopped\n", "text/plain"),
        (b"[1, 2, 3]", "application/json"),
        (zip_with("[Content_Types].xml", "xl/workbook.bin"), "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
        (
            b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet",
        ),
        (b"Dear Ada,\n\nthank you.\n", "text/plain"),
        ("Größe und Maße\n".encode("cp1252"), "text/plain"),
        (bytes(range(256)) * 4, "application/octet-stream"),
        (b"BM is how this sentence starts", "text/plain"),
        (b"MZ is how this sentence starts", "text/plain"),
        (b"\0\0\1\0" + bytes(30), "application/octet-stream"),
        (claiming("ICO", 9, 9).replace(b"\0\0\1\0", b"\0\0\2\0", 1), "image/x-cursor"),
        (b"RIFF\0\0\0\0ACONanih", "image/x-cursor"),
        (b"8BPS\0\1", "image/vnd.adobe.photoshop"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"II*\0\x10\0\0\0CR\2\0", "image/x-raw"),
    ],
)
def test_other_types_are_named_so_that_a_rejection_can_say_what_came(content, media_type):
    assert ends(content).media_type == media_type


PACKERS = {"gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"a,b\n1,2\n", "text/csv"),
        (b"a\tb\n1\t2\n", "text/tab-separated-values"),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
        (b'[{"a": 1}]', "application/json"),
        (b"a,b\n" + b"1,2\n" * 100_000, "text/csv"),
        (b"PAR1" + bytes(100), "application/vnd.apache.parquet"),
        (zip_with("[Content_Types].xml", "xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
    ],
)
def test_tables_are_recognised_in_packed_files(packing, content, media_type):
    assert ends(PACKERS[packing](content)).media_type == f"{media_type}+{packing}"


@pytest.mark.parametrize("content", [b"Dear Ada,\n", b"<script>x</script>", sample("PNG"), b"\x7fELF\2\1\1", b""])
def test_packed_files_of_other_things_stay_packed_files(content):
    assert ends(gzip.compress(content)).media_type == "application/gzip"
    assert ends(gzip.compress(gzip.compress(b"a,b\n1,2\n"))).media_type == "application/gzip"


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("ids.csv", b"ids\n001\n002\n", "text/csv"),
        ("ids.csv", b"a,b\n", "text/csv"),
        ("ids.tsv", b"ids\n1\n", "text/tab-separated-values"),
        ("log.jsonl", b'broken\n{"a": 1}\n', "application/x-ndjson"),
        ("data.json", b"{broken", "application/json"),
        ("ids.csv.gz", gzip.compress(b"ids\n1\n"), "text/csv+gzip"),
        ("ids.txt", b"ids\n001\n002\n", "text/plain"),
        ("photo.jpg", b"just words\n", "text/plain"),
        ("photo.csv", sample("PNG"), "image/png"),
        ("page.csv", b"<!DOCTYPE html><p>hi", "text/html"),
        ("run.csv", b"#!/bin/sh\nrm -rf /\n", "text/x-script"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "application/vnd.ms-excel"),
    ],
)
def test_name_tells_only_which_text_it_is(name, content, media_type):
    assert sniff(content, content, len(content), name=name).media_type == media_type


def test_camera_raws_are_not_mistaken_for_tiff_because_their_first_image_is_a_tiny_preview():
    dng = TIFF_WITH_TAG.replace(b"%s", b"\x12\xc6\1\0")
    preview = TIFF_WITH_TAG.replace(b"%s\x01\0\0\0\x04\1\4\0", b"\xfe\0\4\0\1\0\0\0\1\0\0\0\x4a\1\4\0")
    assert ends(dng).media_type == "image/x-raw"
    assert ends(preview).media_type == "image/x-raw"
    assert ends(claiming("TIFF", 9, 9)).media_type == "image/tiff"


def test_archive_behind_an_image_is_noted():
    assert ends(sample("JPEG") + zip_with("a")).notes == ("a ZIP archive is appended to the image",)


def test_script_in_an_image_is_noted():
    assert ends(sample("GIF") + b"<?php system($_GET[0]); ?>").notes == ("a script or a PDF is hidden in the image",)


def test_text_cut_inside_a_character_is_still_text():
    content = ("é" * 40_000).encode()
    assert sniff(content[:65535], content[-65536:], len(content)).media_type == "text/plain"


@settings(deadline=None)
@given(st.binary(max_size=2000), st.binary(max_size=200))
def test_any_bytes_have_a_type(head, tail):
    assert "/" in sniff(head, tail, len(head) + len(tail)).media_type


@settings(deadline=None)
@given(st.sampled_from(list(SAMPLE_OPTIONS)), st.integers(4, 60), st.binary(max_size=8))
def test_damaged_headers_have_a_type(name, cut, filling):
    content = sample(name)
    assert "/" in ends(content[:cut] + filling + content[cut + len(filling) :]).media_type


@pytest.mark.parametrize(
    ("pictures", "container", "media_type"),
    [(0, "mp4", "audio/mp4"), (3, "mp4", "video/mp4"), (0, "asf", "audio/x-ms-wma"), (3, "asf", "video/x-ms-asf")],
)
def test_tracks_tell_sound_from_video_where_the_brand_does_not(tmp_path, pictures, container, media_type):
    codecs = {"mp4": ("libx264", "aac"), "asf": ("wmv2", "wmav2")}[container]
    made = Movie([*counting(pictures)], codec=codecs[0], sounds=[Sound(codec=codecs[1])])
    assert ends(made.bytes(tmp_path, container)).media_type == media_type


def test_video_whose_index_is_longer_than_what_is_read_of_it_is_no_sound(tmp_path):
    silence = Sound("0", seconds=300, layout="mono")
    movie = Movie([*counting(1500)], rate=5, options={"g": "25"}, sounds=[silence]).bytes(tmp_path, "mp4")
    assert b"vide" not in movie[-65536:]
    assert b"soun" in movie[-65536:]
    assert ends(movie).media_type == "video/mp4"


def test_header_of_windows_media_that_is_longer_than_what_is_read_of_it_may_be_a_videos(tmp_path):
    sound = bytearray(Movie([], sounds=[Sound(codec="wmav2")]).bytes(tmp_path, "asf"))
    assert ends(bytes(sound)).media_type == "audio/x-ms-wma"
    sound[16:24] = (10**6).to_bytes(8, "little")
    assert ends(bytes(sound)).media_type == "video/x-ms-asf"
