"""What the record says of a PDF, its text, and what becomes of protected, damaged and hostile ones."""

import json
import random
import zlib
from collections.abc import Callable
from contextlib import suppress

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform import document as kind
from tasks.transform.document import child
from tests.unit.papers import annotate, document, opened, saved, set_in
from workflow.errors import (
    CorruptDocument,
    EncryptedFile,
    RejectedError,
    TooLarge,
    TooManyPages,
    TruncatedFile,
)

FACTS_MAX_BYTES = 4096


@pytest.fixture
def render(tmp_path) -> Callable[..., Rendered]:
    def _render(content: bytes | Pdf, **recipe) -> Rendered:
        path, scratch = tmp_path / "original", tmp_path / "made"
        path.write_bytes(saved(content) if isinstance(content, Pdf) else content)
        scratch.mkdir(exist_ok=True)
        return kind.transform(Original(path, "report.pdf", "application/pdf", scratch), Recipe(**recipe))

    return _render


@pytest.fixture
def facts_of(tmp_path) -> Callable[..., dict]:
    """Facts without a child process, which takes its time to start."""

    def _facts_of(content: bytes | Pdf, *, publish_private: bool = False) -> dict:
        path = tmp_path / "original"
        path.write_bytes(saved(content) if isinstance(content, Pdf) else content)
        return child.prepare(str(path), str(tmp_path), publish_private)["facts"]

    return _facts_of


def test_renditions_are_the_document_and_its_text(render):
    rendered = render(document("Hello world", "", "Goodbye"))
    assert [(file.name, file.content_type) for file in rendered.files] == [
        ("web", "application/pdf"),
        ("text", "text/plain; charset=utf-8"),
    ]
    with Pdf.open(rendered.files[0].path) as web:
        assert len(web.pages) == 3
    assert rendered.files[1].path.read_text("utf-8") == "Hello world\f\fGoodbye"


def test_document_without_text_has_no_text_rendition(render):
    rendered = render(document(""))
    assert [file.name for file in rendered.files] == ["web"]
    assert rendered.facts["has_text"] is False


def test_recipe_is_another_one_where_private_things_stay():
    assert kind.recipe_name("a.pdf", Recipe()) != kind.recipe_name("a.pdf", Recipe(publish_private=True))


def test_facts_of_a_document(facts_of):
    pdf = document("Hello wide world", "")
    pdf.docinfo["/Title"] = "Report\u202e\x00 of the year"
    pdf.docinfo["/CreationDate"] = "D:20260131235959+05'30'"
    pdf.Root.Lang = String("en-GB")
    pdf.Root.MarkInfo = Dictionary(Marked=True)
    facts = facts_of(saved(pdf, force_version="1.6", linearize=True))
    expected = {
        "pages": 2,
        "title": "Report  of the year",
        "created": "2026-01-31T23:59:59+05:30",
        "language": "en-GB",
        "tagged": True,
        "linearized": True,
        "pdf_version": "1.6",
        "page_width_mm": 209.9,
        "page_height_mm": 297.0,
        "page_sizes": 1,
        "has_text": True,
        "pages_with_text": 1,
        "words": 3,
        "characters": 16,
    }
    assert {name: facts[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("D:20260131", "2026-01-31T00:00:00"),
        ("20260131120000", "2026-01-31T12:00:00"),
        ("D:20260131120000Z", "2026-01-31T12:00:00+00:00"),
        ("D:20260131120000-08'00", "2026-01-31T12:00:00-08:00"),
        ("D:20261331120000Z", None),
        ("yesterday", None),
    ],
)
def test_dates(facts_of, date, expected):
    pdf = document("Hello")
    pdf.docinfo["/CreationDate"] = date
    assert facts_of(pdf).get("created") == expected


def test_facts_are_small_whatever_the_file_says(facts_of):
    pdf = document("Hello")
    for key in ("/Title", "/Author", "/Subject", "/Creator", "/Producer", *(f"/Key{at}" for at in range(500))):
        pdf.docinfo[key] = "long " * 10_000
    assert len(json.dumps(facts_of(pdf, publish_private=True))) < FACTS_MAX_BYTES


def test_information_of_the_wrong_kind_is_ignored(facts_of):
    pdf = document("Hello")
    pdf.trailer.Info = pdf.make_indirect(Dictionary(Title=Array([1]), CreationDate=7, Author=Name.Ada))
    pdf.Root.Lang = 12
    pdf.Root.MarkInfo = Array([])
    pdf.Root.AcroForm = String("form")
    pdf.Root.Names = 3
    assert facts_of(pdf, publish_private=True)["pages"] == 1


@pytest.mark.parametrize(
    ("box", "entries", "expected"),
    [
        ([0, 0, 595, 842], {"/Rotate": 90}, (297.0, 209.9)),
        ([0, 0, 595, 842], {"/CropBox": Array([100, 100, 200, 300])}, (35.3, 70.6)),
        ([0, 0, 200, 100], {"/UserUnit": 10}, (705.6, 352.8)),
        ([0, 0, 14_400, 14_400], {}, (5080.0, 5080.0)),
        ([595, 842, 0, 0], {}, (209.9, 297.0)),
        ([0, 0, 0, 0], {}, (215.9, 279.4)),
    ],
)
def test_size_of_the_page_as_it_is_shown(facts_of, box, entries, expected):
    pdf = document("Hello")
    pdf.pages[0].obj.MediaBox = Array(box)
    for key, value in entries.items():
        pdf.pages[0].obj[key] = value
    facts = facts_of(pdf)
    assert (facts["page_width_mm"], facts["page_height_mm"]) == expected


@pytest.mark.parametrize("box", [[0, 0, 10**18, 10**18], [0, 0, 0.0001, 900], ["x", None, 1, 2], [1]])
def test_senseless_sizes_of_pages(facts_of, box):
    pdf = document("Hello")
    pdf.pages[0].obj.MediaBox = Array(box)
    json.dumps(facts_of(pdf), allow_nan=False)


def test_text_is_bounded(facts_of, monkeypatch, tmp_path):
    monkeypatch.setattr("tasks.transform.document.pages.MAX_TEXT_CHARS", 20)
    facts = facts_of(document(*["0123456789"] * 9))
    assert facts["characters"] == 30
    assert facts["notes"] == ["the text is that of the first 3 pages"]
    assert (tmp_path / "text.txt").read_text() == "\f".join(["0123456789"] * 3)


def test_text_in_all_scripts(facts_of, tmp_path):
    """A font whose characters are named by a table, as programs embed them."""
    pdf = document("A")
    codes = b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfchar <41> <00e9d83dde0065e5> endbfchar"
    pdf.pages[0].obj.Resources.Font.F1.ToUnicode = pdf.make_stream(b"/CMapName /x def " + codes)
    facts_of(pdf)
    assert (tmp_path / "text.txt").read_text("utf-8") == "é😀日"


def protected(user: str = "", owner: str = "secret", revision: int = 6) -> bytes:
    strong = revision > 3
    options = pikepdf.Encryption(user=user, owner=owner, R=revision, aes=strong, metadata=strong)
    return saved(document("Hello"), encryption=options)


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
def test_protection_by_an_owner_password_is_told_and_taken_off(render, revision):
    rendered = render(protected(revision=revision))
    with Pdf.open(rendered.files[0].path) as web:
        assert not web.is_encrypted
        assert not [item for item in web.objects if isinstance(item, Dictionary) and "/O" in item and "/U" in item]
    assert rendered.facts["notes"] == ["it is protected by an owner password; the rendition is not"]
    assert rendered.facts["words"] == 1


@pytest.mark.parametrize(("user", "owner"), [("open", "secret"), ("open", "")])
def test_document_that_a_password_opens(render, user, owner):
    with pytest.raises(EncryptedFile, match="without password protection"):
        render(protected(user, owner))


def test_document_for_holders_of_a_key(render):
    content = protected().replace(b"/Filter /Standard", b"/Filter /PubSecXY")
    with pytest.raises(EncryptedFile):
        render(content)


def test_too_many_pages(render, monkeypatch, facts_of):
    monkeypatch.setattr(child, "MAX_PAGES", 2)
    assert facts_of(document("", ""))["pages"] == 2
    with pytest.raises(TooManyPages, match="has 3 pages; up to 2"):
        facts_of(document("", "", ""))


def test_too_many_parts(monkeypatch, facts_of):
    monkeypatch.setattr(child, "MAX_OBJECTS", 3)
    with pytest.raises(TooLarge, match="up to 3 are allowed"):
        facts_of(document("", ""))


def test_document_without_pages(facts_of):
    with pytest.raises(CorruptDocument, match="no pages"):
        facts_of(Pdf.new())


def test_every_cut_is_noticed_or_costs_nothing(facts_of):
    """Where only the table of contents at the end is gone, all pages are still there."""
    content = saved(document("First page", "Second page", "Third page"), compress_streams=False)
    whole = facts_of(content)
    outcomes = set()
    for end in range(20, len(content) - 10, 23):
        try:
            facts = facts_of(content[:end])
        except TruncatedFile:
            outcomes.add("truncated")
        else:
            outcomes.add("repaired")
            assert {name: facts[name] for name in ("pages", "words")} == {
                name: whole[name] for name in ("pages", "words")
            }
            assert "repaired" in facts["notes"][0]
    assert outcomes == {"truncated", "repaired"}


def test_damaged_table_of_contents_is_repaired(facts_of):
    content = saved(document("Hello")).replace(b"startxref\n", b"startxref\n9")
    facts = facts_of(content)
    assert facts["words"] == 1
    assert "repaired" in facts["notes"][0]


def test_hopelessly_damaged(facts_of):
    with pytest.raises(CorruptDocument, match="damaged beyond repair"):
        facts_of(b"%PDF-1.7\n" + b"\x80garbage\n" * 500 + b"%%EOF\n")


def test_damage_anywhere_ends_in_a_rendition_or_a_rejection(facts_of):
    content = saved(document("First page", "Second page"), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    dice = random.Random(26)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(dice.randint(1, 20)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        with suppress(RejectedError):
            assert facts_of(bytes(damaged))["pages"] >= 1


def test_pages_that_are_their_own_parents(facts_of):
    pdf = document("Hello")
    pages = pdf.Root.Pages
    content = saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    number = pages.objgen[0]
    ring = content.replace(b"/Kids [ ", b"/Kids [ %d 0 R " % number)
    with suppress(CorruptDocument):
        assert facts_of(ring)["pages"] == 1


def bomb(megabytes: int) -> bytes:
    """Page content that unfolds to immense commands."""
    pdf = document("Hello")
    packer = zlib.compressobj(9)
    block = b"0 0 m 1 1 l S\n" * 74_898
    packed = b"".join([*(packer.compress(block) for _ in range(megabytes)), packer.flush()])
    pdf.pages[0].obj.Contents.write(packed, filter=Name.FlateDecode)
    return saved(pdf, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def test_child_that_takes_too_much_memory_is_stopped(render, monkeypatch):
    monkeypatch.setattr(kind, "CONFINES", kind.CONFINES.__class__(memory_mb=120, seconds=60, cpu_seconds=60))
    with pytest.raises(CorruptDocument, match=r"cannot be read safely: it (took more than|crashed)"):
        render(bomb(100))


def test_child_that_takes_too_long_is_stopped(render, monkeypatch):
    monkeypatch.setattr(kind, "CONFINES", kind.CONFINES.__class__(memory_mb=2000, seconds=60, cpu_seconds=1))
    with pytest.raises(CorruptDocument, match="more than 1 seconds of computing"):
        render(bomb(300))


def test_two_documents_of_the_same_content_make_the_same_files(render):
    content = saved(document("Hello"))
    first = [file.path.read_bytes() for file in render(content).files]
    assert [file.path.read_bytes() for file in render(content).files] == first


def test_title_from_xmp_alone(facts_of):
    pdf = document("Hello")
    with pdf.open_metadata(update_docinfo=False) as metadata:
        metadata["dc:title"] = "Modern title"
    assert Name.Info not in opened(saved(pdf)).trailer
    assert facts_of(pdf)["title"] == "Modern title"


def test_xmp_that_is_no_xml(facts_of):
    pdf = document("Hello")
    pdf.Root.Metadata = pdf.make_stream(b"<a><!ENTITY", Type=Name.Metadata, Subtype=Name.XML)
    assert "title" not in facts_of(pdf)


def test_values_of_form_fields_and_notes_are_in_the_text(render):
    pdf = document("Name:")
    field = {"FT": Name.Tx, "T": String("name"), "V": String("Ada"), "DA": String("/F 12 Tf 0 g")}
    widget = annotate(pdf, "/Widget", **field)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    del widget["/AP"]
    pdf.Root.AcroForm = Dictionary(
        Fields=Array([widget]), NeedAppearances=True, DR=Dictionary(Font=Dictionary(F=pdf.make_indirect(font)))
    )
    text = render(pdf).files[1].path.read_text("utf-8")
    assert text.split() == ["Name:", "Ada"]


@pytest.mark.parametrize("is_seen", [True, False])
def test_letters_that_the_preview_lacks_are_told_where_they_would_be_seen(facts_of, is_seen):
    pdf = document("")
    set_in(pdf, "STSong-Light", "UniGB-UCS2-H", "你ا ก".encode("utf-16-be"), is_seen=is_seen)
    told = ["the preview lacks 2 letters, whose font is not in the file: ا ก"]
    assert facts_of(pdf).get("notes", []) == (told if is_seen else [])
