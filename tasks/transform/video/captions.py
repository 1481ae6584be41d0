"""Caption tracks that are text, as WebVTT: plain text, escaped, with the times of the video."""

import html
import re
from collections.abc import Iterable
from fractions import Fraction

import av.error
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from tasks.shared.work import Encoded
from tasks.transform.media import MAX_FACT_CHARS, clean
from tasks.transform.places import tells_place
from tasks.transform.video.dialogue import why_no_dialogue
from tasks.transform.video.facts import language_of
from tasks.transform.video.reader import Reader

MAX_CUES = 20_000
MAX_CUE_CHARS = 500
MAX_CUE_SECONDS = 60
USUAL_CUE_SECONDS = 4

_NAMES = ("handler_name", "title", "name")
_STYLES = re.compile(r"((?<!\\)\{[^}]*\})")
_DRAWS = re.compile(r"\\p(\d+)")
_ESCAPED = re.compile(r"\\([{}])")
_SPACES = re.compile(r"\\[hn]")
"""Of ASS: one that is not broken, and a line end that counts only where lines are broken by hand."""


class CaptionTrack:
    """Collects the cues of one track."""

    def __init__(self, stream: SubtitleStream) -> None:
        self.language = language_of(stream)
        self._name = clean(" ".join(stream.metadata.get(tag, "") for tag in _NAMES), MAX_FACT_CHARS)
        self._cues: list[tuple[Fraction, Fraction, str]] = []

    def add(self, packet: "Packet[Stream]", reader: Reader) -> None:
        if packet.pts is None or len(self._cues) >= MAX_CUES:
            return
        text = _text_of(packet)
        start = reader.seconds(packet.pts, packet.stream)
        length = (packet.duration or 0) * packet.time_base or Fraction(USUAL_CUE_SECONDS)
        if text and start >= 0:
            self._cues.append((start, start + min(length, MAX_CUE_SECONDS), text))

    def webvtt(self) -> str:
        """The whole file, of the cues that tell no place; empty if nothing is said in the track."""
        said = [] if self._why_left_out() else [cue for cue in sorted(self._cues) if not _tells_place(cue)]
        cues = (f"{timestamp(start)} --> {timestamp(end)}\n{text}\n" for start, end, text in said)
        return "\n".join(("WEBVTT\n", *cues)) if said else ""

    def note(self) -> str:
        """What of the track was left out, and why; empty if nothing was."""
        if reason := self._why_left_out():
            return f"a text track ({self.language}) was left out: {reason}"
        places = sum(map(_tells_place, self._cues))
        return f"{places:,} captions ({self.language}) that tell positions were left out" if places else ""

    def _why_left_out(self) -> str:
        return why_no_dialogue([html.unescape(text) for _, _, text in self._cues], self._name)


def files_of(tracks: Iterable[CaptionTrack]) -> tuple[Encoded, ...]:
    """Named by language, and by number where a language comes again."""
    files: dict[str, Encoded] = {}
    for track in tracks:
        base = name = f"captions-{track.language}"
        for number in range(2, len(files) + 2):
            if name not in files:
                break
            name = f"{base}-{number}"
        if text := track.webvtt():
            files[name] = Encoded(name, "text/vtt", text.encode())
    return tuple(files.values())


def notes_of(tracks: Iterable[CaptionTrack]) -> tuple[str, ...]:
    """What of the tracks is not in the files."""
    return tuple(note for track in tracks if (note := track.note()))


def timestamp(seconds: Fraction) -> str:
    """As WebVTT has it: hours, minutes, seconds and milliseconds."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{milliseconds:03}"


def _tells_place(cue: tuple[Fraction, Fraction, str]) -> bool:
    return tells_place(html.unescape(cue[2]))


def _text_of(packet: "Packet[Stream]") -> str:
    try:
        found = packet.decode()
    except av.error.FFmpegError:
        return ""
    said = (each.dialogue.decode("utf-8", "replace") for each in found if isinstance(each, AssSubtitle))
    lines = (clean(line, MAX_CUE_CHARS) for text in said for line in _spoken(text).splitlines())
    return html.escape("\n".join(line for line in lines if line), quote=False)


def _spoken(text: str) -> str:
    """Without the styles of ASS, and without what is drawn by them: coordinates between {\\p1} and {\\p0}."""
    draws, spoken = False, ""
    for at, part in enumerate(_STYLES.split(text)):
        if at % 2:
            said = _DRAWS.findall(part)
            draws = said[-1].strip("0") != "" if said else draws
        elif not draws:
            spoken += part
    return _ESCAPED.sub(r"\1", _SPACES.sub(" ", spoken))
