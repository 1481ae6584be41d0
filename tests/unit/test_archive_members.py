"""What an archive may hold, and that nothing of one that may not is unpacked."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.shared.work import Original, Recipe
from tasks.transform.archive import transform
from tasks.transform.archive.limits import Limits
from tasks.transform.archive.members import members
from tests.unit.papers import archive, entry, patched
from workflow.errors import (
    CorruptArchive,
    DecompressionBomb,
    EncryptedFile,
    RejectedError,
    TooDeep,
    TooLarge,
    TooManyFiles,
    TruncatedFile,
    UnsafeName,
    UnsupportedCodec,
)

CONTENT = b"0123456789" * 100
LEGACY_NAMES = (
    ("caf\u00e9.txt", "cp437"),
    ("\u00dcbung.txt", "cp437"),
    ("Gr\u00f6\u00dfe.csv", "cp850"),
    ("Gr\u00f6\u00dfe.csv", "cp1252"),
    ("\u017cycie.txt", "cp852"),
    ("Документы/отчёт.xlsx", "cp866"),
    ("план.doc", "cp1251"),
    ("Αναφορά.pdf", "cp737"),
    ("a\u011fa\u00e7.txt", "cp857"),
    ("表紙.jpg", "cp932"),
    ("ソース能力表.txt", "cp932"),
    ("报告.pdf", "gbk"),
    ("報告.pdf", "big5"),
    ("사진.jpg", "cp949"),
)
"""As people name their files; two of the Japanese ones have a letter whose second byte is a backslash."""


@pytest.fixture
def unpack(tmp_path) -> Callable[..., dict[str, bytes]]:
    def _unpack(content: bytes, depth: int = 1, **limits: int) -> dict[str, bytes]:
        path = tmp_path / "original.zip"
        path.write_bytes(content)
        return {member.name: b"".join(member.chunks()) for member in members(path, Limits(**limits), depth)}

    return _unpack


def packed(*entries: zipfile.ZipInfo, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for info in entries:
            made.writestr(info, CONTENT)
        made.comment = comment
    return buffer.getvalue()


def test_files_come_in_their_order_with_their_content(unpack):
    files = {"b/two.txt": b"2" * 300_000, "a.txt": b"1", "b/empty": b""}
    assert list(unpack(archive(files, zipfile.ZIP_DEFLATED), max_ratio=2000).items()) == list(files.items())
    assert list(unpack(archive(files, zipfile.ZIP_STORED)).items()) == list(files.items())


def test_file_is_copied_piece_by_piece(tmp_path):
    path, copy = tmp_path / "a.zip", io.BytesIO()
    path.write_bytes(archive({"a": CONTENT}))
    for member in members(path):
        member.copy_to(copy)
        assert (member.size, member.modified) == (len(CONTENT), "2026-11-23T10:00:00")
    assert copy.getvalue() == CONTENT


UNIX_TIME = struct.pack("<HHBi", 0x5455, 5, 1, 1_732_356_000)
NTFS_TIME = struct.pack("<HHIHHQQQ", 0x000A, 32, 0, 1, 24, (1_732_356_000 + 11_644_473_600) * 10_000_000, 0, 0)


@pytest.mark.parametrize("beside", [UNIX_TIME, NTFS_TIME, b"\xfe\xca\0\0" + UNIX_TIME])
def test_date_is_in_utc_where_the_archive_has_it_so(tmp_path, beside):
    path, info = tmp_path / "a.zip", entry("a")
    info.extra = beside
    path.write_bytes(packed(info))
    assert [member.modified for member in members(path)] == ["2024-11-23T10:00:00+00:00"]


def test_name_in_unicode_beside_the_old_one_counts(unpack):
    old, name = "写真.jpg".encode("gbk"), "写真.jpg".encode()
    info = entry(old.decode("cp437"))
    info.filename, stored = "placeholder", b"placeholder"
    old = old.ljust(len(stored), b"_")
    info.extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(old)) + name
    content = packed(info)
    assert list(unpack(content.replace(stored, old))) == ["写真.jpg"]
    renamed = old[:-1] + b"x"
    assert list(unpack(content.replace(stored, renamed))) == [renamed.decode("gbk")]


def test_a_log_that_packs_well_is_no_bomb(unpack):
    log = b"2026-11-23T10:00:00 INFO request served in 12 ms\n" * 60_000
    assert unpack(archive({"app.log": log}, zipfile.ZIP_DEFLATED)) == {"app.log": log}


@pytest.mark.parametrize("missing", [1, 10, 21])
def test_archive_whose_last_bytes_are_missing_is_truncated(unpack, missing):
    with pytest.raises(TruncatedFile, match="cut off"):
        unpack(archive({"a": CONTENT})[:-missing])


def test_dates_that_are_none(tmp_path):
    never = entry("a")
    never.date_time = (1980, 1, 1, 0, 0, 0)
    path = tmp_path / "a.zip"
    content = packed(never)
    for date in (b"\0\0\x21\0", b"\xff\xff\xff\xff"):
        at = content.index(b"PK\x01\x02") + 12
        path.write_bytes(content[:at] + date + content[at + 4 :])
        assert [member.modified for member in members(path)] == [None]


@pytest.mark.parametrize(
    ("name", "danger"),
    [
        ("/etc/passwd", "root of a disk"),
        ("\\windows\\a.dll", "root of a disk"),
        ("C:\\a.dll", "root of a disk"),
        ("c:a.dll", "root of a disk"),
        ("../a", "out of its folder"),
        ("a/../../b", "out of its folder"),
        ("a\\..\\b", "out of its folder"),
        ("a\nb", "not shown"),
        ("a\x1b[2Jb", "not shown"),
        ("photo\u202egpj.exe", "not shown"),
        ("é" * 128, "too long"),
        ("folder/" * 120 + "a", "too long"),
        (".", "names nothing"),
        ("//", "root of a disk"),
    ],
)
def test_unsafe_name_rejects_the_archive(unpack, name, danger):
    with pytest.raises(UnsafeName, match=danger) as caught:
        unpack(packed(entry("good.txt"), entry(name)))
    assert str(caught.value).isprintable()


def test_name_with_something_hidden_behind_its_end(unpack):
    content = packed(entry("good.jpg_.exe")).replace(b"good.jpg_.exe", b"good.jpg\0.exe")
    with pytest.raises(UnsafeName, match="not shown"):
        unpack(content)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b.txt", "a/b.txt"),
        ("./a//b.txt", "a/b.txt"),
        ("a\\b.txt", "a/b.txt"),
        ("..a/b..c", "..a/b..c"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("日本/😀.txt", "日本/😀.txt"),
        ("note: b?.txt", "note: b?.txt"),
        ("A: notes.csv", "A: notes.csv"),
    ],
)
def test_odd_names_are_brought_into_form(unpack, name, safe):
    assert list(unpack(packed(entry(name)))) == [safe]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        *((name.encode(encoding), name) for name, encoding in LEGACY_NAMES),
        ("caf\u00e9".encode(), "caf\u00e9"),
    ],
)
def test_names_of_programs_that_do_not_say_how_they_write(unpack, stored, expected):
    placeholder = "x" * len(stored)
    assert list(unpack(packed(entry(placeholder)).replace(placeholder.encode(), stored))) == [expected]


def test_encoding_of_names_is_told_with_the_next_best(tmp_path):
    path, stored = tmp_path / "a.zip", "表紙.jpg".encode("cp932")
    path.write_bytes(packed(entry("x" * len(stored))).replace(b"x" * len(stored), stored))
    notes = transform(Original(path, "a.zip", "application/zip", tmp_path), Recipe()).facts["notes"]
    assert any("names of files are read as Shift-JIS" in note and "next best is " in note for note in notes)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "a"), ("caf\u00e9", "cafe\u0301"), ("a/b", "a\\b")],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name(unpack, one, other):
    with pytest.raises(UnsafeName, match="same name"):
        unpack(packed(entry(one), entry(other)))


def test_names_that_differ_only_in_case_are_two(unpack):
    assert list(unpack(packed(entry("a.txt"), entry("A.TXT")))) == ["a.txt", "A.TXT"]


@pytest.mark.parametrize(
    ("mode", "danger"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "no ordinary"), (stat.S_IFCHR, "no ordinary")]
)
def test_links_and_devices(unpack, mode, danger):
    link = entry("a")
    link.external_attr = (mode | 0o777) << 16
    with pytest.raises(UnsafeName, match=danger):
        unpack(packed(link))


def test_what_systems_add_is_passed_over(unpack):
    clutter = ["__MACOSX/._a.jpg", "a/.DS_Store", "Thumbs.db", "a/desktop.ini", "._b", "a/"]
    folder = entry("a/")
    folder.external_attr = 0o40755 << 16
    kept = unpack(packed(entry("a/a.jpg"), *map(entry, clutter[:-1])))
    assert list(kept) == ["a/a.jpg"]


def test_folders_are_no_files(tmp_path, unpack):
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.mkdir("folder")
        made.writestr(entry("folder\\"), b"")
        made.writestr(entry("folder/a"), CONTENT)
    assert list(unpack(path.read_bytes())) == ["folder/a"]


def test_too_many_files(unpack):
    content = packed(*(entry(str(at)) for at in range(5)))
    assert len(unpack(content, max_files=5)) == 5
    with pytest.raises(TooManyFiles, match="has 5 files; up to 4"):
        unpack(content, max_files=4)


def test_directory_that_would_fill_the_memory(unpack):
    content = packed(*(entry(f"{at:0200}") for at in range(50)))
    with pytest.raises(TooManyFiles, match="directory alone"):
        unpack(content, max_directory_bytes=10_000)


def test_too_large_by_what_it_announces(unpack):
    with pytest.raises(TooLarge, match="together"):
        unpack(packed(entry("a"), entry("b")), max_total_bytes=1999)
    with pytest.raises(TooLarge, match='"a" has'):
        unpack(packed(entry("a")), max_file_bytes=999)


def test_bomb_by_what_it_announces(unpack):
    zeros = archive({"zeros": bytes(200_000)})
    with pytest.raises(DecompressionBomb, match="from 211 to 200,000 bytes; up to 100 times"):
        unpack(zeros, ratio_from_bytes=100_000)
    assert unpack(zeros, ratio_from_bytes=200_000) == {"zeros": bytes(200_000)}


@pytest.mark.parametrize("announced", [10, 999, 1001, 5000])
def test_size_that_is_a_lie(unpack, announced):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with pytest.raises((CorruptArchive, DecompressionBomb)):
            unpack(patched(archive({"a": CONTENT}, compression), size=announced))


def test_size_that_is_a_lie_with_a_fitting_checksum(unpack):
    lie = patched(archive({"a": CONTENT}), size=10, crc=zlib.crc32(CONTENT[:10]))
    assert unpack(lie) == {"a": CONTENT[:10]}
    lie = patched(archive({"a": CONTENT}), size=5000)
    with pytest.raises(CorruptArchive, match="1,000 bytes instead of the 5,000"):
        unpack(lie)


def test_wrong_checksum(unpack):
    with pytest.raises(CorruptArchive, match="CRC"):
        unpack(patched(archive({"a": CONTENT}), crc=1))


def overlapping() -> bytes:
    """Two names for the same bytes: the trick that made 4.5 petabytes of 46 megabytes."""
    content = bytearray(packed(entry("a"), entry("b")))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", content, second + 42, 0)
    return bytes(content)


def test_entries_that_share_their_bytes(unpack):
    with pytest.raises(DecompressionBomb, match="share the same bytes"):
        unpack(overlapping())


def test_entry_that_runs_into_the_directory(unpack):
    with pytest.raises(DecompressionBomb, match="share the same bytes"):
        unpack(patched(packed(entry("a")), packed=len(CONTENT) + 500))


def test_entry_that_is_not_where_it_should_be(unpack):
    with pytest.raises(CorruptArchive, match="not where it should be"):
        unpack(patched(packed(entry("a")), at=3))


def test_entry_with_another_name_than_the_directory_says(unpack):
    content = packed(entry("good.txt"))
    with pytest.raises(CorruptArchive):
        unpack(content.replace(b"good.txt", b"evil.txt", 1))


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_protected_by_a_password(unpack, flags):
    with pytest.raises(EncryptedFile):
        unpack(patched(archive({"a": CONTENT}), flags=flags))


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (14, "LZMA"), (12, "bzip2"), (1, "method 1")])
def test_other_ways_to_pack(unpack, method, name):
    with pytest.raises(UnsupportedCodec, match=name):
        unpack(patched(archive({"a": CONTENT}), method=method))


def test_part_of_several(unpack):
    with pytest.raises(CorruptArchive, match="one part of several"):
        unpack(patched(archive({"a": CONTENT}), disk=1))


def test_depth(unpack):
    content = archive({"a": CONTENT})
    assert unpack(content, depth=2, max_depth=2)
    with pytest.raises(TooDeep, match="inside of 2 others; up to 1"):
        unpack(content, depth=3, max_depth=2)


def test_program_in_front_that_would_unpack_it(unpack):
    assert unpack(b"MZ" + bytes(5000) + archive({"a": CONTENT})) == {"a": CONTENT}


def test_comment_at_the_end(unpack):
    assert unpack(packed(entry("a"), comment=b"c" * 65_535)) == {"a": CONTENT}


def test_archive_of_the_large_kind(unpack, tmp_path):
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as made, made.open(entry("a"), "w", force_zip64=True) as file:
        file.write(CONTENT)
    assert unpack(path.read_bytes()) == {"a": CONTENT}


def test_every_cut_is_noticed(unpack):
    content = archive({"a": CONTENT, "b": CONTENT})
    for end in range(4, len(content) - 22, 7):
        with pytest.raises(TruncatedFile, match="cut off"):
            unpack(content[:end])
    for end in range(len(content) - 22, len(content)):
        with pytest.raises((TruncatedFile, CorruptArchive)):
            unpack(content[:end])


def test_no_archive_at_all(unpack):
    with pytest.raises(CorruptArchive):
        unpack(b"PK something else")


def test_damage_in_the_content(unpack):
    content = bytearray(archive({"a": bytes(range(256)) * 40}))
    content[60:70] = b"\xff" * 10
    with pytest.raises(CorruptArchive):
        unpack(bytes(content))


def spoiled() -> Iterator[bytes]:
    base = archive({"a/b.txt": CONTENT, "c.bin": bytes(3000)})
    return st.lists(st.tuples(st.integers(0, len(base) - 1), st.integers(0, 255)), min_size=1, max_size=8).map(
        lambda changes: bytes(dict(changes).get(at, byte) for at, byte in enumerate(base))
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=spoiled())
def test_damage_anywhere_ends_in_files_or_a_rejection(unpack, content):
    try:
        found = unpack(content)
    except RejectedError:
        return
    assert all(not name.startswith("/") and ".." not in name.split("/") for name in found)
    assert sum(map(len, found.values())) <= Limits().max_total_bytes


def test_an_original_is_not_changed(tmp_path):
    path = Path(tmp_path, "a.zip")
    content = archive({"a": CONTENT})
    path.write_bytes(content)
    list(members(path))
    assert path.read_bytes() == content
