"""Makes PDFs and ZIPs: ordinary ones, and ones that do what they should not."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String
from PIL import Image

A4_POINTS = (595, 842)

_ACTIONS = frozenset(
    [
        "/JavaScript",
        "/Launch",
        "/ImportData",
        "/SubmitForm",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/RichMediaExecute",
        "/GoTo3DView",
        "/Movie",
        "/Sound",
        "/Ancient",
    ]
)
_ANNOTATIONS = frozenset(["/FileAttachment", "/Screen", "/RichMedia", "/Movie", "/Sound", "/3D"])
_KEYS = frozenset(
    [
        "/JS",
        "/AA",
        "/EF",
        "/RF",
        "/XFA",
        "/AF",
        "/ByteRange",
        "/EmbeddedFiles",
        "/Collection",
        "/Perms",
        "/Renditions",
        "/PieceInfo",
        "/Metadata",
        "/StmF",
    ]
)


def document(*texts: str, size: tuple[float, float] = A4_POINTS) -> Pdf:
    """A page for each text, which may be empty, set in a font that every viewer has."""
    pdf = Pdf.new()
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    for text in texts:
        page = pdf.add_blank_page(page_size=A4_POINTS)
        page.obj.MediaBox = Array([0, 0, *size])
        page.obj.Resources = Dictionary(Font=Dictionary(F1=font))
        page.obj.Contents = pdf.make_stream(f"BT /F1 24 Tf 72 {size[1] - 100} Td ({text}) Tj ET".encode("latin-1"))
    return pdf


def saved(pdf: Pdf, **options: object) -> bytes:
    """The bytes of the file."""
    buffer = io.BytesIO()
    pdf.save(buffer, **options)
    return buffer.getvalue()


def opened(content: bytes) -> Pdf:
    """The PDF with these bytes."""
    return Pdf.open(io.BytesIO(content))


def updated(content: bytes, number: int, stream: bytes) -> bytes:
    """The PDF with a newer version of one stream appended, as programs save small changes."""
    body = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(stream), stream)
    previous = content.rpartition(b"startxref\n")[2].split()[0]
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, len(content))
    trailer = b"trailer\n<< /Root 1 0 R /Size 9 /Prev %s >>\n" % previous
    return b"".join([content, body, table, trailer, b"startxref\n%d\n%%%%EOF\n" % (len(content) + len(body))])


def annotate(pdf: Pdf, subtype: str, **entries: object) -> Object:
    """An annotation of the first page, with a picture of its own: a blue square."""
    look = pdf.make_stream(b"0 0 1 rg 0 0 40 40 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 40, 40]))
    annotation = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name(subtype),
            Rect=Array([100, 100, 140, 140]),
            F=4,
            AP=Dictionary(N=look),
            **entries,
        )
    )
    pdf.pages[0].obj.Annots = Array([*pdf.pages[0].obj.get("/Annots", []), annotation])
    return annotation


def attached(pdf: Pdf) -> Object:
    """A file specification with a file in it."""
    inside = pdf.make_stream(b"MZ virus", Type=Name.EmbeddedFile)
    return pdf.make_indirect(Dictionary(Type=Name.Filespec, F="virus.exe", UF="virus.exe", EF=Dictionary(F=inside)))


def script(pdf: Pdf, *, stored: bool = False) -> Object:
    """An action that runs a script, which is a string or `stored` in a stream."""
    code = pdf.make_stream(b"app.alert(1)") if stored else String("app.alert(1)")
    return pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=code))


def action(kind: str, **entries: object) -> Dictionary:
    """An action of a kind."""
    return Dictionary(Type=Name.Action, S=Name(kind), **entries)


def link(uri: str) -> Dictionary:
    """An action that opens a web address."""
    return action("/URI", URI=String(uri))


def _named_script(pdf: Pdf) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("start"), script(pdf)])))


def _script_on_opening(pdf: Pdf) -> None:
    pdf.Root.OpenAction = script(pdf, stored=True)


def _script_behind_a_chain(pdf: Pdf) -> None:
    chain = action("/GoTo", D=Array([pdf.pages[0].obj, Name.Fit]), Next=Array([link("http://a.example"), script(pdf)]))
    annotate(pdf, "/Link", A=chain)


def _script_of_a_field(pdf: Pdf) -> None:
    field = annotate(pdf, "/Widget", FT=Name.Tx, T="total", AA=Dictionary(K=script(pdf), F=script(pdf)))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), CO=Array([field]))


def _script_in_an_unusual_place(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.Properties = Dictionary(MC0=Dictionary(Odd=Array([1, Dictionary(Deep=script(pdf))])))


def _script_of_a_stream(pdf: Pdf) -> None:
    act = pdf.make_stream(b"", S=Name.JavaScript, JS=String("app.alert(1)"))
    look = pdf.make_stream(b"", Subtype=Name.Screen, Rect=Array([1, 1, 2, 2]), A=act, AA=pdf.make_stream(b"", PO=act))
    pdf.pages[0].obj.Annots = Array([look])
    pdf.Root.OpenAction = act
    pdf.Root.Names = pdf.make_stream(b"", JavaScript=Dictionary(Names=Array([String("start"), act])))


def _script_on_a_page(pdf: Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=script(pdf))


def _call_on_opening(pdf: Pdf) -> None:
    pdf.Root.AA = Dictionary(WC=link("http://beacon.example"))
    pdf.Root.OpenAction = link("http://beacon.example")


def _bookmark(pdf: Pdf) -> None:
    item = pdf.make_indirect(Dictionary(Title="open me", A=action("/Launch", F="cmd.exe")))
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(Type=Name.Outlines, First=item, Last=item, Count=1))
    item.Parent = pdf.Root.Outlines


def _attachment(pdf: Pdf) -> None:
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String("virus.exe"), attached(pdf)])))
    pdf.Root.AF = Array([attached(pdf)])


def _xfa(pdf: Pdf) -> None:
    form = pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=form)
    pdf.Root.NeedsRendering = True


def _portfolio(pdf: Pdf) -> None:
    _attachment(pdf)
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)


def _signature(pdf: Pdf) -> None:
    value = Dictionary(
        Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), ByteRange=Array([0, 1, 2, 3]), Contents=b"\x30\x82"
    )
    field = annotate(pdf, "/Widget", FT=Name.Sig, T="Signature1", V=pdf.make_indirect(value))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
    pdf.Root.Perms = Dictionary(DocMDP=field.V)


def _acting(kind: str, **entries: object) -> Callable[[Pdf], None]:
    return lambda pdf: void(annotate(pdf, "/Link", A=action(kind, **entries)))


def _showing(subtype: str, **entries: object) -> Callable[[Pdf], None]:
    return lambda pdf: void(annotate(pdf, subtype, FS=attached(pdf), **entries))


def void(_made: object) -> None:
    """For makers of which only the effect counts."""


TRICKS: Mapping[str, tuple[Callable[[Pdf], None], str]] = {
    "a script by name": (_named_script, "scripts"),
    "a script on opening": (_script_on_opening, "scripts"),
    "a script behind a chain of actions": (_script_behind_a_chain, "scripts"),
    "a script of a form's field": (_script_of_a_field, "scripts"),
    "a script in an unusual place": (_script_in_an_unusual_place, "scripts"),
    "scripts in the dictionaries of streams": (_script_of_a_stream, "scripts"),
    "a script on a page": (_script_on_a_page, "scripts"),
    "a call on opening": (_call_on_opening, "actions that happen without a click"),
    "a bookmark that starts a program": (_bookmark, "actions that start programs"),
    "a link that starts a program": (_acting("/Launch", F="cmd.exe"), "actions that start programs"),
    "a link to another file": (_acting("/GoToR", F="//server/share"), "actions that start programs"),
    "a link into an attachment": (_acting("/GoToE", T=Dictionary()), "actions that start programs"),
    "a form that sends": (_acting("/SubmitForm", F="http://a.example"), "actions that start programs"),
    "a form that takes in": (_acting("/ImportData", F="a.fdf"), "actions that start programs"),
    "an action that nobody knows": (_acting("/Ancient"), "actions that start programs"),
    "an attachment": (_attachment, "attached files"),
    "an attachment on a page": (_showing("/FileAttachment"), "attached files"),
    "a portfolio": (_portfolio, "it is a portfolio"),
    "a film": (_showing("/Movie", Movie=Dictionary(F="a.avi")), "sound, video or 3D models"),
    "a screen": (_showing("/Screen", A=action("/Rendition", OP=0)), "sound, video or 3D models"),
    "a Flash film": (_showing("/RichMedia", RichMediaContent=Dictionary()), "sound, video or 3D models"),
    "a model": (_showing("/3D", **{"3DD": Dictionary()}), "sound, video or 3D models"),
    "a form in XML": (_xfa, "it is an XFA form"),
    "a signature": (_signature, "it is signed"),
}
"""What makes a PDF hostile or lively, and how the notes begin that tell of it."""


def active_parts(content: bytes) -> set[str]:
    """Everything in a PDF that acts, is attached or is private: found by names alone, wherever they are."""
    pdf = opened(content)
    found: set[str] = set()
    for top in (pdf.trailer, *pdf.objects):
        for key, value in _entries(top):
            found |= {key} & _KEYS
            if isinstance(value, Name):
                found |= {str(value)} & (_ACTIONS if key == "/S" else _ANNOTATIONS if key == "/Subtype" else set())
    return found


def _entries(top: object) -> Iterator[tuple[str, object]]:
    """What an object holds directly, at any depth."""
    waiting = [top]
    while waiting:
        holder = waiting.pop()
        entries = [("", item) for item in holder] if isinstance(holder, Array) else []
        entries += list(holder.items()) if isinstance(holder, Dictionary | Stream) else []
        yield from entries
        waiting += [item for _, item in entries if isinstance(item, Array | Dictionary) and not item.is_indirect]


def photograph(pdf: Pdf, **options: object) -> bytes:
    """Fill the first page with a JPEG photograph, of which these are the bytes."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "JPEG", **options)
    image = pdf.make_stream(
        buffer.getvalue(),
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=256,
        Height=256,
        BitsPerComponent=8,
        ColorSpace=Name.DeviceRGB,
        Filter=Name.DCTDecode,
    )
    page = pdf.pages[0].obj
    page.Resources.XObject = Dictionary(Im0=image)
    page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
    return buffer.getvalue()


def archive(files: Mapping[str, bytes] | None = None, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name, content in (files or {}).items():
            packed.writestr(entry(name, compression), content)
    return buffer.getvalue()


def entry(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    """An entry of a fixed date, under exactly this name."""
    info = zipfile.ZipInfo("x", (2026, 11, 23, 10, 0, 0))
    info.filename = info.orig_filename = name
    info.compress_type, info.create_system = compression, 3
    info.external_attr = 0o100644 << 16
    return info


def patched(content: bytes, **fields: int) -> bytes:
    """The ZIP with other numbers in all of its directory: `flags`, `method`, `crc`, `packed`, `size`, `disk`, `at`."""
    places = {"flags": (8, "H"), "method": (10, "H"), "crc": (16, "I"), "packed": (20, "I"), "size": (24, "I")}
    places |= {"disk": (34, "H"), "at": (42, "I")}
    changed, at = bytearray(content), content.find(b"PK\x01\x02")
    while at >= 0:
        for field, value in fields.items():
            offset, code = places[field]
            struct.pack_into(f"<{code}", changed, at + offset, value)
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(changed)


def set_in(pdf: Pdf, font: str, encoding: str, written: bytes, *, is_seen: bool = True) -> None:
    """Letters on the first page, in a font of several bytes a letter that the file only names."""
    ordering = {"UniGB-UCS2-H": "GB1", "UniJIS-UCS2-H": "Japan1", "UniKS-UCS2-H": "Korea1", "UniCNS-UCS2-H": "CNS1"}
    system = Dictionary(Registry=String("Adobe"), Ordering=String(ordering[encoding]), Supplement=2)
    descriptor = Dictionary(Type=Name.FontDescriptor, FontName=Name(f"/{font}"), Flags=4)
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name(f"/{font}"), CIDSystemInfo=system,
        FontDescriptor=pdf.make_indirect(descriptor),
    )  # fmt: skip
    pdf.pages[0].obj.Resources.Font.F2 = Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=Name(f"/{font}"), Encoding=Name(f"/{encoding}"),
        DescendantFonts=Array([pdf.make_indirect(descendant)]),
    )  # fmt: skip
    drawn = f"BT /F2 24 Tf {0 if is_seen else 3} Tr 72 600 Td <{written.hex()}> Tj ET"
    pdf.pages[0].obj.Contents = pdf.make_stream(drawn.encode())
