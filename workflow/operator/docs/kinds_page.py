"""docs/kinds.md, from the tables in the code."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tasks.shared.work import Recipe
from tasks.thumbnail.previews import BOXES_PX
from tasks.transform.archive import limits as archives
from tasks.transform.audio import limits as sounds
from tasks.transform.document import limits as documents
from tasks.transform.image import JPEG_QUALITY, WEBP_QUALITY
from tasks.transform.image.decode import MAX_JPEG_SCANS
from tasks.transform.table import limits as tables
from tasks.transform.video import limits as videos
from workflow import errors
from workflow.kinds import (
    ARCHIVE,
    AUDIO,
    BIG_FILE_MAX_BYTES,
    DOCUMENT,
    GIB,
    IMAGE,
    KINDS,
    MAX_KEY_BYTES,
    MAX_NAME_BYTES,
    MEGAPIXEL,
    MIB,
    TABLE,
    VIDEO,
    Format,
    Kind,
)
from workflow.limits import BY_KIND, FUNCTIONS
from workflow.operator.formatting import table

_SEVERAL = {"": "–", "frames": "an animation stays one", "pages": "the first page is shown"}
_RECIPE = Recipe()


def page() -> str:
    """The whole page, in Markdown."""
    lines = (*_introduction(), *(line for kind in KINDS.values() for line in _section(kind)), *_rejections())
    return "\n".join(lines) + "\n"


def _introduction() -> Iterator[str]:
    yield "# Kinds: what is accepted, and what becomes of it"
    yield ""
    yield "Written by `poe docs` from the tables in code; a test compares the two."
    yield ""
    yield (
        "What a file is, its content tells; a name or a declared type that says otherwise is only noted. A name may "
        f"have up to {MAX_NAME_BYTES} bytes, with its folders {MAX_KEY_BYTES}."
    )
    yield ""


def _section(kind: Kind) -> Iterator[str]:
    yield f"## {kind.name}"
    yield ""
    yield table(("format", "content type", "names", *_FORMAT_COLUMNS.get(kind.name, ())), _rows(kind))
    yield ""
    yield from (f"* {fact}" for fact in _FACTS[kind.name]())
    yield from _big_files(kind)
    yield f"* **Reject codes**: {', '.join(_CODES[kind.name])}, TooLarge."
    yield ""
    yield table(("function", "memory MB", "seconds", "scratch MB"), _functions(kind))
    yield ""


def _rows(kind: Kind) -> Iterator[tuple[str, ...]]:
    return (_row(kind, found) for found in kind.formats.values())


def _row(kind: Kind, found: Format) -> tuple[str, ...]:
    megapixels, several = f"{found.max_pixels / MEGAPIXEL:,.0f}", _SEVERAL[found.several]
    more = {"megapixels": megapixels, "more than one picture": several}
    cells = (more[column] for column in _FORMAT_COLUMNS.get(kind.name, ()))
    return found.label, found.media_type, " ".join(found.extensions), *cells


def _image_facts() -> Iterator[str]:
    boxes = ", ".join(map(str, BOXES_PX))
    yield (
        f"**Limits**: {IMAGE.max_bytes / MIB:,.0f} MiB, the megapixels above for each picture, {IMAGE.max_frames:,} "
        f"frames or pages, {IMAGE.max_total_pixels / MEGAPIXEL:,.0f} megapixels over all frames of an animation, "
        f"{MAX_JPEG_SCANS} layers of a progressive JPEG."
    )
    yield (
        f"**Rendition**: upright, sRGB, 8 bits, at most {_RECIPE.max_side_px:,} px a side and never scaled up; WebP "
        f"at quality {WEBP_QUALITY} or JPEG at {JPEG_QUALITY}, as the stage's `rendition_formats` say. Transparency is "
        "kept in WebP and white in JPEG."
    )
    yield (
        "**Animation**: animated WebP with its times and number of plays, scaled down until all frames together have "
        f"at most {_RECIPE.max_animation_pixels / MEGAPIXEL:,.0f} megapixels; in JPEG the first frame."
    )
    yield (
        f"**Thumbnails**: WebP that fits {boxes} px, a ThumbHash and the dominant color. Of an animation, the first "
        "frame that is not blank."
    )
    yield (
        "**Color**: an embedded profile, or what cICP, gAMA, cHRM or nclx announce, is converted and not relabelled; "
        "HDR curves (PQ, HLG) are not tone-mapped. Inks without a profile are converted by plain "
        "arithmetic, as browsers do: light × (1 - ink) × (1 - black)."
    )
    yield (
        "**Values that are no colors** (signed, floating-point or 32-bit TIFF, as of elevation): stretched from "
        "black to white between the least and the greatest, which a note names; pixels without a value are transparent."
    )
    yield (
        "**Damage** to the picture itself, or missing data, is refused, in every format: also where a decoder would go "
        "on and fill with gray. Damage beside it (text, profiles, settings) is left out, and a note says so."
    )
    yield (
        "**Proof**: before it is published, the rendition's proportions are compared with what another reader finds in "
        "the original, its durations with the animation's, and a blank one with the original's picture."
    )
    yield (
        "**Metadata**: none is in what is published. Camera, time and exposure go into the record, the tags of a list, "
        "which tell how a picture was taken, into a sidecar; place, author, titles, comments, serial numbers and every "
        "other tag only where the stage's `publish_private_metadata` is set."
    )


def _table_facts() -> Iterator[str]:
    limits = tables.LIMITS
    yield (
        f"**Limits**: {TABLE.max_bytes / MIB:,.0f} MiB, also unpacked; {limits.max_columns:,} columns, "
        f"{limits.max_tables} tables in a workbook; up to {limits.max_bad_share:.0%} of the rows may be bad."
    )
    yield (
        "**Rendition**: one Parquet file (zstd) a table, in a folder of its own, `tables/<name>/`, which is a dataset "
        "for Athena, DuckDB and Polars. Columns are typed by what is in them; leading zeros, phone numbers and large "
        "integers keep their value. The same file always gives the same bytes."
    )
    yield (
        "**Partitions**: by the date column that the stage's `partition_by` names, as "
        f"`tables/<name>/<column>=<value>/`, as fine as gives up to {limits.max_partitions}."
    )
    yield (
        "**Letters**: Unicode, and some thirty national encodings where their letters tell them for sure; the record "
        "says which, how sure that is, and the next best. What cannot be told is refused with both names."
    )
    yield (
        "**Logs**: access logs of ALB, S3, CloudFront, nginx, Apache and IIS, VPC flow logs, syslog (RFC 5424 and "
        "3164), containers (CRI, klog), Python, log4j and logfmt, also several in one file: a table each, "
        "with the documented names. Lines that go on below an entry belong to its message."
    )
    yield (
        '**JSON**: one row an object; `{"Records": […]}`, pages of an API and GeoJSON are taken apart, and told; of '
        "keys that come twice the last counts."
    )
    yield (
        "**Bad rows**: in `rejects/<name>`, each with its line, the reason and the text; none is dropped or padded. "
        "Titles, units, rules, names that come again and totals are there, too, as lines that are left out."
    )
    yield (
        "**Proof**: before anything is published, rows in = rows out + rejects + lines left out, counted in the file's "
        "bytes, and numbers at both ends and the extremes are compared with the text. Else: ResultNotProven."
    )
    yield (
        "**Metadata**: `profile.json` has for each column its type, nulls, least and greatest value, quantiles, about "
        "how many different values, the most frequent ones, and the first rows. The thumbnail is drawn from it."
    )


def _video_facts() -> Iterator[str]:
    limits = videos.LIMITS
    yield (
        f"**Limits**: {VIDEO.max_bytes / GIB:,.0f} GiB, {limits.max_seconds / 3600:,.0f} hours, "
        f"{limits.max_pixels / MEGAPIXEL:,.0f} megapixels a frame."
    )
    yield (
        "**Rendition**: MP4 that starts at once, H.264 of at most 1280 × 720 (or 720 × 1280) px, AAC in stereo; "
        "upright, square pixels, not interlaced, HDR mapped to SDR, transparency on black; text captions as WebVTT. "
        "All of a film, however little its header announces; pictures that change their size on the way are shown "
        "whole, within the size that most have. A file without a picture becomes an M4A with `peaks.json`."
    )
    yield (
        "**Sound**: all channels are in the stereo mix, weighed so that it does not clip; peaks above full scale are "
        "turned down, and that is said."
    )
    yield (
        "**Captions**: text tracks that are language. What a drone, a camera or a sensor writes into a text track, "
        "positions and readings, is left out with a note, and so is any caption that tells a position."
    )
    yield (
        "**Long videos**: what would take more than the stage's `long_video_cpu_seconds` to convert is cut at key "
        f"frames into up to {limits.max_parts} parts, converted at the same time and joined; or, with "
        "`long_videos: mediaconvert`, sent to AWS Elemental MediaConvert."
    )
    yield (
        "**Thumbnails**: the poster, from a tenth of the way on or the first frame that is not blank, and a storyboard "
        "with a WebVTT index for players; without a picture, the waveform."
    )
    yield (
        "**Metadata**: duration, codecs, frame rate, tracks, chapters, captions and loudness (EBU R128) go into the "
        "record, and title, genre, date and make of the camera. No tags are in what is published; with "
        "`publish_private_metadata` all are."
    )
    yield (
        "**Proof**: before it is published, the rendition is read again: its tracks, sizes and number of pictures are "
        "those that were made, it plays as long as the record says, and has pictures in every second and sound in "
        "every tenth in which the original has them; of a long video, at twelve places."
    )


def _audio_facts() -> Iterator[str]:
    hours = sounds.LIMITS.max_length.total_seconds() / 3600
    yield f"**Limits**: {AUDIO.max_bytes / MIB:,.0f} MiB, {hours:,.0f} hours."
    yield (
        "**Rendition**: M4A with AAC in stereo or mono that starts at once; `peaks.json` with the waveform for "
        "players; the cover, where there is one, made as any picture is. All channels are in the stereo mix, weighed "
        "so that it does not clip; peaks above full scale are turned down, and that is said."
    )
    yield "**Thumbnail**: the waveform with the duration."
    yield (
        "**Metadata**: duration, codec, rate, channels, loudness (EBU R128), title, artist, album, track, genre and "
        "date go into the record; places, comments and serial numbers only with `publish_private_metadata`. Tags "
        "whose encoding cannot be told are left out by name."
    )
    yield (
        "**Proof**: before it is published, the rendition is read again: it and its peaks are as long as the record "
        "says, and every tenth second in which the original is heard is heard."
    )


def _document_facts() -> Iterator[str]:
    yield (
        f"**Limits**: {DOCUMENT.max_bytes / MIB:,.0f} MiB, {documents.MAX_PAGES:,} pages, "
        f"{documents.MAX_OBJECTS:,} objects; read in a child process with {documents.CONFINES.memory_mb:,} MB and "
        f"{documents.CONFINES.seconds:,.0f} s."
    )
    yield (
        "**Rendition**: the PDF without scripts, actions that launch or submit, attachments, forms of XFA and "
        "metadata, linearised; and its text. Links to the web stay. A signature does not survive: the record says so."
    )
    yield (
        "**What a published PDF tells**: its pages, forms with their values, bookmarks, layers and texts for reading "
        "aloud. Photographs in it are reduced to their pictures, color profiles to their colors; comments and their "
        "authors, page-piece data, positions of maps, and every key and text that the standard has no place for, go. "
        "Fonts stay as they are."
    )
    yield (
        "**Thumbnails**: the first page. Letters of East Asian fonts that are not in the file are drawn in Noto Sans "
        "CJK; a note has those that no font has."
    )
    yield (
        "**Metadata**: pages, words, page size, title and date go into the record; author and producer only with "
        "`publish_private_metadata`."
    )


def _archive_facts() -> Iterator[str]:
    limits = archives.LIMITS
    yield (
        f"**Limits**: {ARCHIVE.max_bytes / GIB:,.0f} GiB, {limits.max_files:,} files, "
        f"{limits.max_file_bytes / GIB:,.0f} GiB each and {limits.max_total_bytes / GIB:,.0f} GiB in all unpacked, "
        f"{limits.max_ratio}:1 above {limits.ratio_from_bytes / MIB:,.0f} MiB, archives in archives "
        f"{limits.max_depth} deep; names with a way out of their folder, links and names that come twice are refused."
    )
    yield (
        "**Children**: where the stage's `expand_archives` is set, each file is taken in as an asset of its own, with "
        "the archive as its `parent`; elsewhere archives are UnsupportedType."
    )
    yield "**Rendition**: `contents.json`, what is in it. **Thumbnail**: the same, drawn."


_FORMAT_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({"image": ("megapixels", "more than one picture")})
_FACTS: Mapping[str, Callable[[], Iterator[str]]] = MappingProxyType(
    {
        "image": _image_facts,
        "table": _table_facts,
        "video": _video_facts,
        "audio": _audio_facts,
        "document": _document_facts,
        "archive": _archive_facts,
    }
)
_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "image": ("CorruptImage", "TruncatedFile", "TooManyPixels", "TooManyFrames"),
        "table": (
            *("CorruptTable", "TruncatedFile", "EmptyFile", "EncryptedFile", "DecompressionBomb"),
            *("TooManyColumns", "TooManyTables", "TooManyBadRows", "UnsupportedCodec"),
        ),
        "video": ("CorruptMedia", "TruncatedFile", "UnsupportedCodec", "NothingToPlay", "TooLong", "TooManyPixels"),
        "audio": ("CorruptMedia", "TruncatedFile", "UnsupportedCodec", "NothingToPlay", "TooLong"),
        "document": ("CorruptDocument", "TruncatedFile", "EncryptedFile", "TooManyPages"),
        "archive": (
            *("CorruptArchive", "TruncatedFile", "EmptyFile", "EncryptedFile", "UnsupportedCodec"),
            *("DecompressionBomb", "TooManyFiles", "TooDeep", "UnsafeName"),
        ),
    }
)
"""Beside those that any file may get for its name, its size or its type."""


def _big_files(kind: Kind) -> Iterator[str]:
    if kind.name in BIG_FILE_MAX_BYTES:
        yield (
            f"* **Big files**: up to {BIG_FILE_MAX_BYTES[kind.name] / GIB:,.0f} GiB, unless packed, where the stage's "
            "`big_files` is set: transformed in a container."
        )


def _functions(kind: Kind) -> Iterator[tuple[str, ...]]:
    others = ("split_video", "convert_part", "join_video") if kind is VIDEO else ()
    for name in ("validate", *(f"{task}_{kind.name}" for task in BY_KIND), *others):
        limits = FUNCTIONS[name]
        yield name, f"{limits.memory_mb:,}", str(limits.timeout_seconds), f"{limits.scratch_mb:,}"


def _rejections() -> Iterator[str]:
    yield "## Reject codes"
    yield ""
    yield "What to do about each is in [operating.md](operating.md#reject-codes)."
    yield ""
    codes = errors.rejections()
    yield table(("code", "means"), ((code, errors.meaning(getattr(errors, code))) for code in codes))
