"""Sizes and times as a person reads them, in a terminal or on a page."""

from datetime import UTC, datetime

MINUTE_SECONDS = 60


def size(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:  # noqa: PLR2004 - the step between units
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def age(text: str) -> str:
    """How long ago an ISO time was, in one unit."""
    passed = (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if passed >= length:
            return f"{passed / length:.0f} {unit}"
    return "now"


def moment(text: str) -> str:
    """An ISO time, to the second."""
    return text[:19].replace("T", " ")


def took(seconds: float | None) -> str:
    """How long something took: in seconds while it is less than a minute, else in its two largest units."""
    if seconds is None:
        return ""
    if seconds < MINUTE_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), MINUTE_SECONDS)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
