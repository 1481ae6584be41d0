"""What is handed back for a converted video, in one piece or in several; and whether enough of it could be decoded."""

from collections.abc import Iterator
from pathlib import Path

from tasks.shared.work import Rendered, Written
from tasks.transform.video.convert import Converted
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.probe import Probe
from workflow.errors import CorruptMedia, TruncatedFile


def rendered(found: Probe, converted: Converted, path: Path) -> Rendered:
    """Raises CorruptMedia or TruncatedFile if more is missing than people would put up with."""
    _check_played(found, converted)
    notes = [*found.facts["notes"], *_notes(converted)]
    loudness = converted.loudness.facts if converted.loudness else {"loudness_lufs": None}
    facts = found.facts | loudness | {"duration_seconds": round(converted.end_seconds, 3), "notes": notes}
    facts |= {"left_out": converted.lost_packets + converted.out_of_time}
    if converted.pictures:
        facts |= {"frames": converted.pictures}
    if converted.usual_size:
        facts |= dict(zip(("width", "height"), converted.usual_size, strict=True))
    peaks = (converted.peaks,) if converted.peaks else ()
    return Rendered((_written(found, path), *peaks, *converted.captions), facts, found.technical)


def _written(found: Probe, path: Path) -> Written:
    if not found.picture:
        return Written("web", "audio/mp4", path)
    return Written("web", "video/mp4", path, *found.picture.target)


def _check_played(found: Probe, converted: Converted) -> None:
    if found.picture and not converted.pictures:
        raise CorruptMedia("Not one picture of the video can be decoded. Export it again, and see if it plays.")
    if converted.lost_packets > LIMITS.max_lost_share * converted.packets:
        raise CorruptMedia(
            f"{converted.lost_packets:,} of {converted.packets:,} packets cannot be decoded. Export it again."
        )
    if converted.end_seconds < LIMITS.min_played_share * found.duration_seconds:
        raise TruncatedFile(
            f"The file announces {found.duration_seconds:,.1f} s and has {converted.end_seconds:,.1f}. Upload it again."
        )


def _notes(converted: Converted) -> Iterator[str]:
    yield from converted.caption_notes
    if converted.lost_packets:
        yield f"{converted.lost_packets:,} of {converted.packets:,} packets could not be decoded and were left out"
    if converted.out_of_time:
        yield f"{converted.out_of_time:,} pictures or blocks of sound are out of the file's time, and were left out"
    if converted.deinterlaced:
        yield "interlaced pictures were made progressive"
    if converted.sizes > 1:
        yield f"the picture changes its size or its proportions on the way ({converted.sizes}); all of it is shown"
    if converted.breaks_off:
        yield "the file is damaged; what follows the damage was left out"
