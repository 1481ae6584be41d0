"""The web rendition of a PDF: looks like the original, and nothing in it acts, hides or tells of persons."""

import base64
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pikepdf import (
    Array,
    DependencyError,
    Dictionary,
    Name,
    Object,
    ObjectStreamMode,
    OutlineItem,
    Pdf,
    PdfError,
    Stream,
    StreamDecodeLevel,
    String,
)
from PIL import ExifTags, Image, ImageChops, ImageCms
from pypdfium2 import PdfDocument

from tasks.transform.document.child import WEB_FILE, prepare
from tests.unit.images import exif
from tests.unit.papers import (
    TRICKS,
    action,
    active_parts,
    annotate,
    document,
    link,
    opened,
    photograph,
    saved,
    scan,
    updated,
)

BLUE = (0, 0, 255)


@dataclass(frozen=True)
class Made:
    """A rendition, as bytes and opened."""

    content: bytes
    pdf: Pdf
    facts: dict

    @property
    def page(self) -> Object:
        return self.pdf.pages[0].obj


@pytest.fixture
def sanitized(tmp_path) -> Callable[..., Made]:
    def _sanitized(content: bytes | Pdf, *, publish_private: bool = False) -> Made:
        original = tmp_path / "original.pdf"
        original.write_bytes(saved(content) if isinstance(content, Pdf) else content)
        facts = prepare(str(original), str(tmp_path), publish_private)["facts"]
        web = Path(tmp_path, WEB_FILE).read_bytes()
        return Made(web, opened(web), facts)

    return _sanitized


def picture(content: bytes) -> Image.Image:
    with PdfDocument(content) as pdf:
        pdf.init_forms()
        return pdf[0].render(scale=0.5).to_pil().convert("RGB")


def looks_alike(one: bytes, other: bytes) -> bool:
    return ImageChops.difference(picture(one), picture(other)).getbbox() is None


@pytest.mark.parametrize("objects", [ObjectStreamMode.disable, ObjectStreamMode.generate])
@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_active_is_left_and_the_page_looks_the_same(sanitized, trick, objects):
    play, note = TRICKS[trick]
    pdf = document("Hello")
    play(pdf)
    original = saved(pdf, object_stream_mode=objects)
    assert "call" in trick or active_parts(original)
    made = sanitized(original)
    assert not active_parts(made.content)
    assert b"beacon" not in saved(made.pdf, object_stream_mode=ObjectStreamMode.disable)
    assert note in " ".join(made.facts["notes"])
    assert looks_alike(original, made.content)


def test_ordinary_document_gets_no_notes(sanitized):
    assert "notes" not in sanitized(document("Hello", "World")).facts


def test_rendition_is_linearized_and_the_same_each_time(sanitized):
    original = saved(document("Hello"))
    first, second = sanitized(original), sanitized(original)
    assert first.pdf.is_linearized
    assert first.content == second.content


def links_of(made: Made) -> list[str]:
    return [str(annotation.A.URI) for annotation in made.page.Annots if Name.A in annotation]


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org",
        "HTTPS://example.org/a?b=c:d#e",
        "mailto:a@example.org",
        "www.example.org",
        "page.html?at=1:2",
        "#top",
    ],
)
def test_links_to_websites_and_mail_addresses_stay(sanitized, uri):
    pdf = document("Hello")
    annotate(pdf, "/Link", A=link(uri))
    made = sanitized(pdf)
    assert links_of(made) == [uri]
    assert "notes" not in made.facts


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        " Java\tScript:alert(1)",
        "file:///etc/passwd",
        "C:\\windows\\system32",
        "\\\\server\\share",
        "//server/share",
        "data:text/html,x",
        "smb://server",
        "search-ms:query=x",
    ],
)
def test_links_to_anything_else_go(sanitized, uri):
    pdf = document("Hello")
    annotate(pdf, "/Link", A=link(uri))
    made = sanitized(pdf)
    assert links_of(made) == []
    assert "links to other things" in made.facts["notes"][0]


def test_links_within_the_document_and_bookmarks_stay(sanitized):
    pdf = document("Hello", "World")
    target = Array([pdf.pages[1].obj, Name.Fit])
    annotate(pdf, "/Link", A=action("/GoTo", D=target))
    pdf.Root.OpenAction = target
    with pdf.open_outline() as outline:
        outline.root.append(OutlineItem("Second page", 1))
    made = sanitized(pdf)
    found = made.pdf
    second = found.pages[1].obj
    assert found.pages[0].obj.Annots[0].A.D[0].objgen == second.objgen
    assert found.Root.OpenAction[0].objgen == second.objgen
    assert found.Root.Outlines.First.Title == "Second page"
    assert "notes" not in made.facts


def test_resources_may_have_any_name(sanitized):
    """A font called /AA or a picture called /JS is no action."""
    pdf = document("Hello")
    page = pdf.pages[0].obj
    font, looks = page.Resources.Font.F1, annotate(pdf, "/Stamp").AP.N
    names = ["/AA", "/EF", "/AF", "/JS", "/V", "/Metadata", "/Ref", "/OPI"]
    page.Resources.Font = Dictionary(dict.fromkeys(names, font))
    page.Resources.XObject = Dictionary(dict.fromkeys(names, looks))
    shown = " ".join(f"BT {name} 24 Tf 72 {80 * at} Td (X) Tj ET {name} Do" for at, name in enumerate(names))
    page.Contents = pdf.make_stream(shown.encode())
    original = saved(pdf)
    made = sanitized(original)
    assert looks_alike(original, made.content)
    assert set(made.page.Resources.Font.keys()) == set(names)


def test_attachment_without_a_picture_of_its_own_gets_none_from_the_viewer(sanitized):
    pdf = document("Hello")
    del annotate(pdf, "/FileAttachment").AP
    made = sanitized(pdf)
    assert made.page.Annots[0].F == 2


def test_filled_in_form_keeps_its_values(sanitized):
    pdf = document("Hello")
    field = annotate(pdf, "/Widget", FT=Name.Tx, T="name", V="Ada")
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))
    made = sanitized(pdf)
    assert made.pdf.Root.AcroForm.Fields[0].V == "Ada"
    assert made.facts["form_fields"] == 1


def test_streams_are_not_taken_from_other_files(sanitized):
    pdf = document("Hello")
    pdf.pages[0].obj.Contents.F = String("/etc/passwd")
    made = sanitized(pdf)
    assert Name.F not in made.page.Contents
    assert "parts that are stored outside of the file" in made.facts["notes"][0]


def test_earlier_versions_of_a_document_are_gone(sanitized):
    first = opened(saved(document("SECRET"), compress_streams=False))
    number, _ = first.pages[0].obj.Contents.objgen
    made = sanitized(updated(saved(first, compress_streams=False), number, b"BT /F1 24 Tf 72 700 Td (PUBLIC) Tj ET"))
    streams = [item.read_bytes() for item in made.pdf.objects if isinstance(item, Stream)]
    assert any(b"PUBLIC" in data for data in streams)
    assert not any(b"SECRET" in data for data in streams)


def private_document() -> Pdf:
    pdf = document("Hello")
    with pdf.open_metadata() as metadata:
        metadata["dc:creator"], metadata["dc:title"] = ["Ada Lovelace"], "Notes"
    pdf.pages[0].obj.PieceInfo = Dictionary(Program=Dictionary(Private="Ada's draft"))
    annotate(pdf, "/Text", T="Ada", Contents="is this right?")
    annotate(pdf, "/FreeText", T="Ada", Contents="written on the page")
    return pdf


def test_authors_comments_and_metadata_go(sanitized):
    original = saved(private_document())
    made = sanitized(original)
    plain = saved(made.pdf, object_stream_mode=ObjectStreamMode.disable, compress_streams=False)
    assert not {word for word in (b"Ada", b"is this right", b"Notes") if word in plain}
    assert b"written on the page" in plain
    assert looks_alike(original, made.content)
    assert made.facts["title"] == "Notes"
    assert "author" not in made.facts
    assert made.facts["notes"] == ["left out of the rendition: comments"]


def test_authors_comments_and_metadata_stay_where_that_is_asked_for(sanitized):
    made = sanitized(private_document(), publish_private=True)
    found = made.pdf
    assert found.docinfo.Author == "Ada Lovelace"
    assert found.open_metadata()["dc:creator"] == ["Ada Lovelace"]
    assert found.pages[0].obj.Annots[0].Contents == "is this right?"
    assert made.facts["author"] == "Ada Lovelace"


def test_scripts_go_where_private_things_stay(sanitized):
    pdf = private_document()
    TRICKS["a script by name"][0](pdf)
    made = sanitized(pdf, publish_private=True)
    assert "/JavaScript" not in active_parts(made.content)


def test_photographs_in_it_lose_their_place_and_keep_their_picture(sanitized):
    pdf = document("")
    tags = exif({ExifTags.Base.Make: "TellTale"}, gps={ExifTags.GPS.GPSLatitudeRef: "S"})
    original = photograph(pdf, exif=tags, comment=b"TellTale", quality=95)
    made = sanitized(pdf)
    published = made.page.Resources.XObject.Im0.read_raw_bytes()
    assert b"TellTale" in original
    assert b"TellTale" not in published
    shown = Image.open(io.BytesIO(published))
    assert not shown.getexif()
    assert shown.tobytes() == Image.open(io.BytesIO(original)).tobytes()


TALES = (b"TellTale", b"Exif", b"ns.adobe.com", b"Jane")


def tales_in(pdf: Pdf) -> set[bytes]:
    """What tells a tale anywhere in a PDF, behind whatever packing."""
    plain = saved(pdf, object_stream_mode=ObjectStreamMode.disable, compress_streams=False)
    streams = [unpacked(each) for each in pdf.objects if isinstance(each, Stream)]
    return {tale for tale in TALES for data in (plain, *streams) if tale in data}


def unpacked(stream: Object) -> bytes:
    """The content; of photographs their own bytes."""
    try:
        return stream.read_bytes(StreamDecodeLevel.specialized)
    except (PdfError, DependencyError):
        return stream.read_raw_bytes()


def telling_jpeg(pictures: int = 2) -> bytes:
    """A photograph as phones take it: with place and maker, and a second picture behind its end mark."""
    tags = exif({ExifTags.Base.Make: "TellTale"}, gps={ExifTags.GPS.GPSLatitudeRef: "S"})
    xmp = b"<x:xmpmeta xmlns:x='http://ns.adobe.com/xap/1.0/'>Jane</x:xmpmeta>"
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "JPEG", exif=tags, xmp=xmp, comment=b"Jane")
    return buffer.getvalue() * pictures


def telling_jpeg2000(**options: object) -> bytes:
    buffer = io.BytesIO()
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(buffer, "JPEG2000", comment="TellTale", tile_size=(64, 64), **options)
    box = b"<x:xmpmeta>Jane</x:xmpmeta>"
    boxes = b"" if options else (len(box) + 8).to_bytes(4, "big") + b"xml " + box
    return buffer.getvalue() + boxes


def hexed(data: bytes) -> bytes:
    return data.hex().encode() + b">"


def ascii85(data: bytes) -> bytes:
    return base64.a85encode(data) + b"~>"


def run_lengths(data: bytes) -> bytes:
    rows = [data[at : at + 128] for at in range(0, len(data), 128)]
    return b"".join(bytes([len(row) - 1]) + row for row in rows) + b"\x80"


@pytest.mark.parametrize("jpeg", ["/DCTDecode", "/DCT"])
@pytest.mark.parametrize(
    ("packings", "pack"),
    [
        ([], bytes),
        (["/FlateDecode"], zlib.compress),
        (["/Fl"], zlib.compress),
        (["/ASCII85Decode"], ascii85),
        (["/A85"], ascii85),
        (["/ASCIIHexDecode"], hexed),
        (["/RunLengthDecode"], run_lengths),
        (["/ASCII85Decode", "/FlateDecode"], lambda data: ascii85(zlib.compress(data))),
    ],
)
def test_photographs_tell_nothing_in_any_packing(sanitized, packings, pack, jpeg):
    pdf = document("")
    photograph(pdf)
    image, data = pdf.pages[0].obj.Resources.XObject.Im0, telling_jpeg()
    filters = [Name(each) for each in (*packings, jpeg)]
    parameters = [None] * len(packings) + [Dictionary(ColorTransform=1)]
    image.write(pack(data), filter=Array(filters), decode_parms=Array(parameters))
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)
    assert "notes" not in made.facts


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}])
@pytest.mark.parametrize(("packings", "pack"), [([], bytes), (["/FlateDecode"], zlib.compress)])
def test_jpeg_2000_tells_nothing(sanitized, packings, pack, options):
    pdf = document("")
    photograph(pdf)
    filters = Array([Name(each) for each in (*packings, "/JPXDecode")])
    pdf.pages[0].obj.Resources.XObject.Im0.write(pack(telling_jpeg2000(**options)), filter=filters)
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)


def deflated(image: Object) -> None:
    parameters = Array([None, image.DecodeParms]) if "/DecodeParms" in image else None
    image.write(
        zlib.compress(image.read_raw_bytes()), filter=Array([Name.FlateDecode, Name.JBIG2Decode]),
        decode_parms=parameters,
    )  # fmt: skip


@pytest.mark.parametrize("packs", [lambda _image: None, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("said", [{"comment": b"TellTale"}, {"comment": b"TellTale", "shared": b"Jane"}])
def test_scans_tell_nothing(sanitized, said, packs):
    pdf = document("")
    scan(pdf, **said)
    assert tales_in(pdf)
    packs(pdf.pages[0].obj.Resources.XObject.Im0)
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)
    assert len(picture(made.content).convert("L").getcolors()) > 1
    assert "notes" not in made.facts


def test_profile_within_a_jpeg_2000_says_nothing(sanitized):
    colors = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "JPEG2000")
    data, profile = buffer.getvalue(), bytearray(colors)
    profile[80:84] = b"Jane"
    at = data.find(b"colr") - 4
    length, header_at = int.from_bytes(data[at : at + 4], "big"), data.find(b"jp2h") - 4
    box = (len(profile) + 11).to_bytes(4, "big") + b"colr\2\0\0" + bytes(profile)
    header = int.from_bytes(data[header_at : header_at + 4], "big") + len(box) - length
    data = data[:header_at] + header.to_bytes(4, "big") + data[header_at + 4 : at] + box + data[at + length :]
    pdf = document("")
    photograph(pdf)
    image = pdf.pages[0].obj.Resources.XObject.Im0
    image.write(data, filter=Name.JPXDecode)
    del image.ColorSpace
    original = saved(pdf)
    made = sanitized(original)
    assert tales_in(opened(original))
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)


@pytest.mark.parametrize("at", ["Resources", "Root", "Nowhere"])
def test_metadata_goes_wherever_it_is_and_whatever_it_is_called(sanitized, at):
    pdf = document("Hello")
    hidden = pdf.make_stream(b"<?xpacket begin=''?><x:xmpmeta>Jane</x:xmpmeta>", N=3)
    holders = {"Resources": pdf.pages[0].obj.Resources, "Root": pdf.Root, "Nowhere": Dictionary()}
    holders[at]["/Odd" if at == "Resources" else "/Metadata"] = hidden
    made = sanitized(pdf)
    assert not tales_in(made.pdf)


def test_page_about_metadata_stays(sanitized):
    pdf = document("It begins with <x:xmpmeta and <?xpacket \\(or so\\), 100 %")
    original = saved(pdf)
    made = sanitized(original)
    assert looks_alike(original, made.content)
    assert "notes" not in made.facts


def test_what_programs_say_between_the_lines_of_a_drawing_goes(sanitized):
    pdf = document("Hello, 100 % (all) of you")
    drawn = pdf.pages[0].obj.Contents.read_bytes()
    pdf.pages[0].obj.Contents = pdf.make_stream(drawn.replace(b" Tf", b" Tf % drawn by Jane\n"))
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)


def test_texts_among_numbers_and_other_objects_go(sanitized):
    pdf = document("Hello")
    font = pdf.pages[0].obj.Resources.Font.F1
    font.Widths = Array([500, 600, String("Jane")])
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), Author=Name("/Jane"))
    made = sanitized(saved(pdf))
    assert not tales_in(made.pdf)


@pytest.mark.parametrize(("packing", "pack"), [("/DCT", bytes), ("[/A85 /DCT]", ascii85)])
def test_photographs_within_a_drawing_tell_nothing(sanitized, packing, pack):
    pdf = document("")
    said = f"% by Jane\nq 595 0 0 842 0 0 cm BI /W 256 /H 256 /BPC 8 /CS /RGB /F {packing} ID "
    pdf.pages[0].obj.Contents = pdf.make_stream(said.encode() + pack(telling_jpeg(pictures=1)) + b"\nEI Q")
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert looks_alike(original, made.content)


def test_photograph_that_cannot_be_unpacked_is_left_out(sanitized):
    pdf = document("Hello")
    photograph(pdf)
    image = pdf.pages[0].obj.Resources.XObject.Im0
    image.write(b"TellTale", filter=Array([Name.FlateDecode, Name.DCTDecode]))
    pdf.pages[0].obj.Resources.XObject.Im1 = pdf.make_stream(b"TellTale", Filter=Name("/SomethingNew"))
    made = sanitized(pdf)
    assert not tales_in(made.pdf)
    assert made.facts["notes"] == ["left out of the rendition: parts that cannot be unpacked"]


def test_what_the_standard_has_no_place_for_goes(sanitized):
    """pdfTeX writes paths of the author's disk, layers say whom they are for, maps where they are."""
    pdf = document("Hello")
    photograph(pdf)
    page = pdf.pages[0].obj
    page.VP = Array([Dictionary(Measure=Dictionary(GPTS=Array([48.1, 11.5])), Name="Jane")])
    page.Resources.XObject.Im0["/PTEX.FileName"] = "/home/Jane/plot.pdf"
    page.Resources.Properties = Dictionary(
        MC0=Dictionary(Type=Name.OCG, Name="Layer", Usage=Dictionary(User=Dictionary(Type=Name.Ind, Name="Jane"))),
        MC1=Dictionary(Author="Jane", Places=Array([Array(["Jane"])])),
    )
    page.Contents = Array([page.Contents, pdf.make_stream(b"/Span <</ActualText (x) /Author (Jane)>> BDC EMC")])
    page.Resources.Metadata = pdf.make_stream(b"<x:xmpmeta>Jane</x:xmpmeta>")
    page.Resources.Odd = pdf.make_stream(b"<x:xmpmeta>Jane</x:xmpmeta>", Subtype=Name.XML)
    original = saved(pdf)
    made = sanitized(original)
    assert not tales_in(made.pdf)
    assert b"GPTS" not in saved(made.pdf, object_stream_mode=ObjectStreamMode.disable)
    assert made.page.Resources.Properties.MC0.Name == "Layer"
    assert b"(x)" in made.page.Contents[1].read_bytes()
    assert looks_alike(original, made.content)


def test_color_profiles_keep_their_colors_alone(sanitized):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    content = bytearray(profile.tobytes())
    content[80:84] = b"Jane"
    pdf = document("")
    photograph(pdf)
    color = pdf.make_stream(bytes(content).replace("sRGB".encode("utf-16-be"), "Jane".encode("utf-16-be")), N=3)
    pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace = Array([Name.ICCBased, color])
    original = saved(pdf)
    made = sanitized(original)
    published = made.page.Resources.XObject.Im0.ColorSpace[1].read_bytes()
    assert not {b"Jane", "Jane".encode("utf-16-be")} & {
        published[at : at + size] for at in range(900) for size in (4, 8)
    }
    colors = ImageCms.ImageCmsProfile(io.BytesIO(published)).profile.red_colorant
    assert colors == ImageCms.ImageCmsProfile(io.BytesIO(content)).profile.red_colorant
    assert looks_alike(original, made.content)


def test_palettes_stay(sanitized):
    pdf = document("")
    photograph(pdf)
    image = pdf.pages[0].obj.Resources.XObject.Im0
    image.ColorSpace = Array([Name.Indexed, Name.DeviceRGB, 1, String("\x00\x10\x20abc")])
    image.BitsPerComponent = 1
    image.write(b"\xf0" * 32 * 256)
    original = saved(pdf)
    assert looks_alike(original, sanitized(original).content)


def test_what_stands_before_the_document_is_gone(sanitized):
    made = sanitized(b"<html><script>alert(1)</script>\n" + saved(document("Hello")))
    assert made.content.startswith(b"%PDF-")
    assert b"script" not in made.content
    assert "begins behind 32 bytes" in made.facts["notes"][0]


def test_dictionaries_that_contain_themselves(sanitized):
    pdf = document("Hello")
    ring = pdf.make_indirect(Dictionary(S=Name.GoTo))
    ring.Next = ring
    annotate(pdf, "/Link", A=ring)
    made = sanitized(pdf)
    assert not active_parts(made.content)
