"""Nothing that tells of places, persons or devices gets past the check before publishing, whoever let it through."""

import io
import struct
from pathlib import Path

import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import ExifTags, Image, ImageCms

from tasks.shared.published import prove_files, prove_nothing_private
from tasks.shared.published.document import prove_document
from tasks.shared.published.secrets import Secrets, secrets_of
from tasks.shared.work import Encoded, Original, Recipe, Rendered, Written
from tasks.transform.audio import transform as transform_audio
from tasks.transform.image import transform as transform_image
from tasks.transform.video import transform as transform_video
from tests.unit import compact
from tests.unit.images import encoded, exif
from tests.unit.movies import Captions, Movie, supplement
from tests.unit.papers import annotate, attached, document, photograph, saved, scan
from tests.unit.sounds import encoded as sound
from tests.unit.tables import converted, parquet
from workflow.errors import ResultNotProven

PICTURE = Image.linear_gradient("L").convert("RGB")
TAGS = {ExifTags.Base.Artist: "Jane Roe", ExifTags.Base.Make: "Canon"}
PHOTO = {ExifTags.Base.BodySerialNumber: "SN123456"}
PLACE = {ExifTags.GPS.GPSLatitude: (48.0, 8.0, 12.34), ExifTags.GPS.GPSLongitude: (11.0, 34.0, 56.78)}
CREATOR = b"<dc:creator><rdf:li>Eve Editor</rdf:li></dc:creator>"
XMP = b'<x:xmpmeta><rdf:li photoshop:City="Hidden Street"/>' + CREATOR + b"</x:xmpmeta>"


def published(name: str, **options) -> Encoded:
    buffer = io.BytesIO()
    PICTURE.save(buffer, name, **options)
    return Encoded("web", f"image/{name.lower()}", buffer.getvalue())


def refused(*files: Encoded | Written) -> str:
    with pytest.raises(ResultNotProven) as caught:
        prove_files(files)
    return str(caught.value)


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_pictures_alone_pass(name):
    prove_files([published(name), published(name, quality=30)])


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True}, {"subsampling": 0}])
def test_jpegs_of_any_structure_pass(options):
    prove_files([published("JPEG", **options)])


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
@pytest.mark.parametrize("options", [{"exif": exif(TAGS)}, {"xmp": XMP}, {"icc_profile": b"Jane" * 40}])
def test_metadata_in_a_picture_is_refused(name, options):
    assert "web" in refused(published(name, **options))


def test_comment_in_a_jpeg_is_refused():
    assert "a segment 0xFE" in refused(published("JPEG", comment=b"Jane"))


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_what_follows_a_picture_is_refused(name):
    picture = published(name)
    refused(Encoded("web", picture.content_type, picture.data + b"Jane"))


def test_jpeg_without_an_end_is_refused():
    picture = published("JPEG")
    assert "no end" in refused(Encoded("web", picture.content_type, picture.data.removesuffix(b"\xff\xd9") + b"Jane"))


@pytest.mark.parametrize("content_type", ["image/png", "image/avif", "text/html", ""])
def test_file_of_a_type_that_is_not_listed_is_refused(content_type):
    refused(Encoded("web", content_type, b"Jane"))


def test_animations_pass_and_what_is_in_their_frames_is_looked_at():
    buffer = io.BytesIO()
    frames = [PICTURE.rotate(angle) for angle in (10, 20)]
    PICTURE.save(buffer, "WEBP", save_all=True, append_images=frames)
    data = buffer.getvalue()
    prove_files([Encoded("web", "image/webp", data)])
    at = data.find(b"ANMF") + 24
    changed = data[:at] + b"XMP " + data[at + 4 :]
    assert "'XMP '" in refused(Encoded("web", "image/webp", changed))


@pytest.fixture
def made(tmp_path):
    """A film and a sound as they are published."""
    movie = Movie([PICTURE] * 10, captions=[Captions([(0, 300, "Hello")])], tags={"comment": "Jane"})
    film = transform_video(Original(movie.write(tmp_path / "film"), "film", "", tmp_path), Recipe())
    path = tmp_path / "sound"
    path.write_bytes(sound("M4A", tags={"comment": "Jane", "title": "Largo"}))
    return film, transform_audio(Original(path, "sound", "audio/mp4", tmp_path), Recipe())


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def test_films_and_sounds_pass(made):
    for rendered in made:
        prove_nothing_private(rendered, Secrets(frozenset({"Jane Roe"})))


@pytest.mark.parametrize("kind", [b"udta", b"uuid", b"XMP_", b"meta"])
def test_other_boxes_are_refused(made, kind):
    for rendered in made:
        main = rendered.files[0]
        data = main.path.read_bytes() + box(kind, b"Jane")
        assert repr(kind.decode()) in refused(Encoded("web", main.content_type, data))


@pytest.mark.parametrize(
    ("found", "instead"),
    [(b"mdtaencoder", b"mdtaauthors"), (b"SoundHandler", b"Janes iPhone"), (b"VideoHandler", b"Janes camera")],
)
def test_tags_and_names_of_tracks_are_refused(made, found, instead):
    datas = [rendered.files[0].path.read_bytes() for rendered in made]
    data = next(each for each in datas if found in each)
    refused(Encoded("web", "video/mp4", data.replace(found, instead, 1)))


def test_something_in_a_free_box_is_refused(made):
    data = made[0].files[0].path.read_bytes()
    assert "free box" in refused(Encoded("web", "video/mp4", data + box(b"free", b"Jane")))


MESSAGES = {
    "unregistered": (5, b"JanesHelmetCam 1+48.1368+011.5824/"),
    "registered": (4, b"\xb5\x00\x31GA94 what was said"),
    "much like our encoder's": (5, bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef") + b"x264 - core 165 by Jane"),
    "unknown": (200, b"SN123456"),
}


@pytest.fixture(params=MESSAGES)
def telling_film(request, tmp_path):
    """With a message beside each picture, which is told by a type and has a content."""
    message = MESSAGES[request.param]
    path = Movie([PICTURE] * 10, repack=supplement(*message)).write(tmp_path / "telling")
    return path, message


def test_what_cameras_write_beside_pictures_is_refused(telling_film):
    path, (kind, _) = telling_film
    assert f"supplemental information of the type {kind}" in refused(Written("web", "video/mp4", path))


def test_what_cameras_write_beside_pictures_is_in_no_rendition(tmp_path, telling_film):
    path, (_, said) = telling_film
    rendered = transform_video(Original(path, "film", "", tmp_path), Recipe())
    prove_files(rendered.files)
    assert said in path.read_bytes()
    assert said not in rendered.files[0].path.read_bytes()


def test_media_data_that_belongs_to_no_track_is_refused(made):
    for rendered in made:
        main = rendered.files[0]
        data = main.path.read_bytes()
        at = data.rfind(b"mdat", 0, len(data)) - 4
        longer = struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + 4)
        changed = data[:at] + longer + data[at + 4 :] + b"Jane"
        assert "belongs to no track" in refused(Encoded("web", main.content_type, changed))


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        (b"colrnclx", b"colrprof", "a color profile"),
        (b"url \0\0\0\1", b"url \0\0\0\0", "a way to another file"),
        (b"\0H\0\0\0\0\0\0\0\1\0", b"\0H\0\0\0\0\0\0\0\1J", "the name of a program"),
    ],
)
def test_profiles_and_names_of_a_track_are_refused(made, found, instead, said):
    data = made[0].files[0].path.read_bytes()
    assert found in data
    assert said in refused(Encoded("web", "video/mp4", data.replace(found, instead, 1)))


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\nNOTE by Jane\n",
        "WEBVTT by Jane\n\n00:00:00.000 --> 00:00:01.000\nHello\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGPS (19.1353, 48.7296, 20)\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n[latitude : 48.7296]\n",
    ],
)
def test_captions_with_more_than_what_is_said_are_refused(text):
    refused(Encoded("captions-eng", "text/vtt", text.encode()))


def test_captions_and_storyboards_pass():
    text = (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello &amp; bye\n\n00:01.000 --> 00:02.000\na.webp#xywh=0,0,160,90\n"
    )
    prove_files([Encoded("captions-eng", "text/vtt", text.encode())])


def test_captions_that_are_no_text_are_refused():
    refused(Encoded("captions-eng", "text/vtt", b"WEBVTT\n\n\xb3"))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_secrets_are_found_in_whatever_picture(name):
    block = exif(TAGS, photo=PHOTO, gps=PLACE)
    content = encoded(PICTURE, name, exif=block)
    found = secrets_of(io.BytesIO(content), len(content))
    assert {"Jane Roe", "SN123456"} <= found.texts
    assert "Canon" not in found.texts
    assert {round(each, 4) for each in found.degrees} == {48.1368, 11.5824}


def test_secrets_are_found_in_xmp():
    content = published("JPEG", xmp=XMP).data
    assert secrets_of(io.BytesIO(content), len(content)).texts == {"Hidden Street", "Eve Editor"}


COMMENT = "Jane Roe, 12 Hidden Street"


@pytest.mark.parametrize("name", ["MP3", "M4A", "FLAC", "Vorbis", "Opus", "WAV", "AIFF"])
def test_secrets_are_found_in_the_tags_of_sounds(name):
    content = sound(name, tags={"comment": COMMENT, "title": "Largo"})
    assert COMMENT in secrets_of(io.BytesIO(content), len(content)).texts


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska"])
def test_secrets_are_found_in_the_tags_of_films(tmp_path, container):
    tags = {"comment": COMMENT, "location": "+48.1368+011.5824/", "title": "Largo"}
    content = Movie([PICTURE.resize((64, 48))] * 5, tags=tags).bytes(tmp_path, container)
    found = secrets_of(io.BytesIO(content), len(content))
    assert found.texts >= {COMMENT}
    assert {round(each, 4) for each in found.degrees} == {48.1368, 11.5824}


@pytest.mark.parametrize("author", ["Jane (Roe)", "Jäne Röe ✓"])
def test_secrets_are_found_in_what_a_pdf_says_of_itself(author):
    pdf = document("Hello")
    pdf.docinfo["/Author"] = author
    content = saved(pdf)
    assert secrets_of(io.BytesIO(content), len(content)).texts >= {author}


@pytest.mark.parametrize(
    "told",
    [
        {"notes": ["taken by Jane Roe"]},
        {"exif": {"0xA431": "SN123456"}},
        {"deep": [{"er": ("SN123456",)}]},
        {"position": {"x": 48.136761}},
        {"position": -11.582439},
    ],
)
def test_secrets_in_the_record_or_the_sidecar_are_refused(told):
    content = encoded(PICTURE, "JPEG", exif=exif(TAGS, photo=PHOTO, gps=PLACE))
    secrets = secrets_of(io.BytesIO(content), len(content))
    for rendered in (Rendered((), told, {}), Rendered((), {}, told)):
        with pytest.raises(ResultNotProven):
            prove_nothing_private(rendered, secrets)


def test_headings_may_say_what_the_file_says_elsewhere_too():
    told = {"title": "Jane Roe", "camera": {"make": "SN123456"}, "width": 48, "notes": ["the first of 3 pictures"]}
    prove_nothing_private(Rendered((), told, {}), Secrets(frozenset({"Jane Roe", "SN123456", "pictures"})))


def test_photograph_as_it_is_published_passes(tmp_path):
    path = tmp_path / "original"
    path.write_bytes(encoded(PICTURE, "JPEG", exif=exif(TAGS, photo=PHOTO, gps=PLACE), xmp=XMP, comment=b"Jane Roe"))
    rendered = transform_image(Original(path, "original", "image/jpeg", tmp_path), Recipe(("webp", "jpeg")))
    with path.open("rb") as stream:
        prove_nothing_private(rendered, secrets_of(stream, path.stat().st_size))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"Exif\0\0II*\0", b"Exif\0\0MM\0*" + b"\xff" * 100, b"II*\0" * 50]
)
def test_damaged_metadata_stops_nothing(content):
    assert secrets_of(io.BytesIO(content), len(content)) == Secrets()


def info(pdf: Pdf) -> None:
    pdf.docinfo["/Author"] = "Jane"


def metadata(pdf: Pdf) -> None:
    pdf.Root.Metadata = Stream(pdf, XMP)


def piece_info(pdf: Pdf) -> None:
    pdf.pages[0].obj.PieceInfo = Dictionary(Jane=Dictionary())


def hidden_metadata(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.Odd = Stream(pdf, XMP)


def telling_photograph(pdf: Pdf) -> None:
    photograph(pdf, exif=exif(TAGS))


def packed_photograph(pdf: Pdf) -> None:
    photograph(pdf)
    image = pdf.pages[0].obj.Resources.XObject.Im0
    image.write(image.read_raw_bytes().hex().encode(), filter=Array([Name.ASCIIHexDecode, Name.DCTDecode]))


def telling_scan(pdf: Pdf) -> None:
    scan(pdf, comment=b"Jane")


def telling_shared_part(pdf: Pdf) -> None:
    scan(pdf, shared=b"Jane")


def telling_jpeg_2000(pdf: Pdf) -> None:
    photograph(pdf)
    pdf.pages[0].obj.Resources.XObject.Im0.write(
        encoded(PICTURE, "JPEG2000", comment="Jane", no_jp2=True), filter=Name.JPXDecode
    )


def boxed_jpeg_2000(pdf: Pdf) -> None:
    photograph(pdf)
    content = encoded(PICTURE, "JPEG2000", comment="") + box(b"xml ", XMP)
    pdf.pages[0].obj.Resources.XObject.Im0.write(content, filter=Name.JPXDecode)


def telling_profile(pdf: Pdf) -> None:
    photograph(pdf)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace = Array([Name.ICCBased, Stream(pdf, profile, N=3)])


def attachment(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.Odd = attached(pdf)


def in_the_catalog(pdf: Pdf) -> None:
    pdf.Root.Jane = Name.Jane


def in_a_page(pdf: Pdf) -> None:
    pdf.pages[0].obj.VP = Array([48, 11])


def in_a_picture(pdf: Pdf) -> None:
    photograph(pdf)
    pdf.pages[0].obj.Resources.XObject.Im0.Measure = Array([48, 11])


def in_an_annotation(pdf: Pdf) -> None:
    annotate(pdf, "/Square", Jane=1)


def author_of_an_annotation(pdf: Pdf) -> None:
    annotate(pdf, "/Square", T="Jane")


def in_a_form(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Stream(pdf, b"Jane"))


def in_a_font(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.Font.F1.Widths = Array([500, Array([String("Jane")])])


LEAKS = (
    *(info, metadata, piece_info, hidden_metadata, telling_photograph, packed_photograph),
    *(telling_scan, telling_shared_part, telling_jpeg_2000, boxed_jpeg_2000, telling_profile, attachment),
    *(in_the_catalog, in_a_page, in_a_picture, in_an_annotation, author_of_an_annotation, in_a_form, in_a_font),
)


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_pdf_that_tells_is_refused(tmp_path, leak):
    pdf = document("Hello")
    leak(pdf)
    path = tmp_path / "web.pdf"
    path.write_bytes(saved(pdf))
    with pytest.raises(ResultNotProven):
        prove_document(path)


PARQUET = "application/vnd.apache.parquet"


def test_tables_pass_and_what_is_said_about_their_file_is_refused(tmp_path):
    original = parquet(tmp_path, "SELECT 1 AS n, [1.5] AS list", ", KV_METADATA {author: 'Jane', pandas: '{}'}")
    said = refused(Encoded("data", PARQUET, original))
    assert "'author'" in said or "'pandas'" in said
    path = Path(converted(tmp_path, original, PARQUET).paths()[0])
    prove_files([Written("data", PARQUET, path)])


@pytest.mark.parametrize("program", [b"Jane's writer v1", b"DuckDB version v2 (build Jane)"])
def test_name_of_another_program_in_a_table_is_refused(program):
    footer = compact.struct({1: compact.I32(1), 6: program.decode()})
    content = b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
    assert "the name of a program" in refused(Encoded("data", PARQUET, content))
