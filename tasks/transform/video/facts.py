"""What the record says of a video, and the full dump beside it; tags that may be private only if they are wanted."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from tasks.transform.media import (
    FILM_TAGS,
    MAX_FACT_CHARS,
    clean,
    public_tags,
    read_chapters,
    read_tags,
    seconds,
    tag_facts,
)
from tasks.transform.mixing import mixing_note
from tasks.transform.national import unreadable_note
from tasks.transform.video.picture import Picture
from tasks.transform.video.tracks import MAX_CAPTION_TRACKS, UNKNOWN_CODEC, Tracks, codec_name, is_text

MAX_LISTED_STREAMS = 50
MAX_LISTED_CAPTIONS = 10


def facts_of(container: InputContainer, tracks: Tracks, picture: Picture | None) -> dict[str, Any]:
    tags = read_tags(container.metadata, *(stream.metadata for stream in tracks.playable))
    return {
        "format": container.format.name.partition(",")[0],
        **(_picture_facts(picture) if picture else {}),
        "has_audio": bool(tracks.sound),
        "audio_codec": codec_name(tracks.sound) if tracks.sound else None,
        "audio_tracks": tracks.sounds,
        "chapters": len(container.chapters()),
        "captions": [_caption(stream) for stream in container.streams.subtitles[:MAX_LISTED_CAPTIONS]],
        **tag_facts(tags, FILM_TAGS),
        "notes": list(_notes(container, tracks, picture)),
    }


def _picture_facts(picture: Picture) -> dict[str, Any]:
    width, height = picture.displayed
    return {
        "width": width,
        "height": height,
        "rotation": picture.turn.degrees,
        "frame_rate": round(float(picture.frame_rate), 3) if picture.frame_rate else None,
        "video_codec": picture.codec,
        "hdr": picture.is_hdr,
    }


def _caption(stream: SubtitleStream) -> dict[str, Any]:
    return {"language": language_of(stream), "codec": codec_name(stream), "text": is_text(stream)}


def language_of(stream: Stream) -> str:
    """As the file says it in letters; "und" where it does not."""
    said = clean(stream.metadata.get("language", ""), MAX_FACT_CHARS).lower()
    return said if said.isascii() and said.replace("-", "").isalnum() and len(said) <= 8 else "und"  # noqa: PLR2004


def _notes(container: InputContainer, tracks: Tracks, picture: Picture | None) -> Iterator[str]:
    """Sentences on what a person should know was done or left out."""
    yield from _track_notes(container, tracks)
    if not picture:
        yield "there is no moving picture; the rendition is sound only"
        return
    if picture.is_hdr:
        yield "high dynamic range was brought to standard range"
    if picture.has_alpha:
        yield "transparency was put on black"
    if picture.has_closed_captions:
        yield "closed captions within the picture (CEA-608 or 708) were left out"


def _track_notes(container: InputContainer, tracks: Tracks) -> Iterator[str]:
    if tracks.pictures > 1:
        yield f"{tracks.pictures} video tracks; one is in the rendition"
    if tracks.sounds > 1:
        yield f"{tracks.sounds} audio tracks; the main one is in the rendition"
    if tracks.sound and (mixed := mixing_note(tracks.sound.codec_context.layout)):
        yield f"{tracks.sound.codec_context.layout.nb_channels} audio channels {mixed}"
    kinds = [is_text(stream) for stream in container.streams.subtitles]
    if others := {codec_name(stream) for stream in container.streams.subtitles if not is_text(stream)}:
        yield f"{kinds.count(False)} caption tracks that are no plain text were left out ({', '.join(sorted(others))})"
    if kinds.count(True) > MAX_CAPTION_TRACKS:
        yield f"{kinds.count(True)} caption tracks; the first {MAX_CAPTION_TRACKS} are in the renditions"
    yield from unreadable_note(container.metadata, *(stream.metadata for stream in tracks.playable))


def technical_of(container: InputContainer, *, publish_private: bool) -> dict[str, Any]:
    """Everything that was read, bounded."""
    tags = read_tags(container.metadata)
    return {
        "format": container.format.long_name,
        "streams": [
            _stream(stream, publish_private=publish_private) for stream in list(container.streams)[:MAX_LISTED_STREAMS]
        ],
        "chapters": read_chapters(container),
        "tags": tags if publish_private else public_tags(tags, FILM_TAGS),
    }


def _stream(stream: Stream, *, publish_private: bool) -> dict[str, Any]:
    tags = read_tags(stream.metadata)
    return {
        "index": stream.index,
        "type": stream.type,
        "codec": codec_name(stream),
        "profile": stream.profile if stream.type in {"video", "audio"} else None,
        "language": language_of(stream),
        "duration_seconds": seconds(stream.duration, stream.time_base),
        **_details(stream),
        "tags": tags if publish_private else public_tags(tags, FILM_TAGS),
    }


def _details(stream: Stream) -> dict[str, Any]:
    if codec_name(stream) == UNKNOWN_CODEC:
        return {}
    if isinstance(stream, VideoStream):
        return _picture_details(stream)
    if isinstance(stream, AudioStream):
        context = stream.codec_context
        return {"sample_rate": context.sample_rate, "channels": context.layout.name, "bit_rate": context.bit_rate}
    return {}


def _picture_details(stream: VideoStream) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "width": context.width,
        "height": context.height,
        "pixel_format": context.pix_fmt,
        "pixel_aspect": _ratio(stream.sample_aspect_ratio),
        "frame_rate": _ratio(stream.average_rate),
        "frames": stream.frames,
        "bit_rate": context.bit_rate,
        "color": {
            "matrix": context.colorspace,
            "range": context.color_range,
            "curve": context.color_trc,
            "primaries": context.color_primaries,
        },
    }


def _ratio(number: Fraction | None) -> str | None:
    return f"{number.numerator}/{number.denominator}" if number else None
