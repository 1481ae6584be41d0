"""The bill as a picture: what each component costs, and what is stored in which class, month by month."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from workflow.operator.cost.bill import Bill
from workflow.operator.cost.storage import STORED

WIDTH, MARGIN, ROW = 760, 20, 26
LABEL, BAR = 150, 480
PLOT_HEIGHT = 200
COLORS: Mapping[str, str] = {
    "STANDARD": "#cf222e",
    "STANDARD_IA": "#d4a72c",
    "GLACIER_IR": "#218bff",
    "GLACIER": "#0969da",
    "DEEP_ARCHIVE": "#0a3069",
}
BAR_COLOR = "#1a7f37"


def draw(bill: Bill) -> str:
    components = bill.components
    below = MARGIN + ROW * (len(components) + 3)
    height = below + PLOT_HEIGHT + 3 * ROW
    body = [*_bars(components, bill), *_storage(bill, below)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _bars(components: Mapping[str, float], bill: Bill) -> Iterator[str]:
    title = f"{bill.files:,} files a month: ${bill.dollars:,.2f} in month {len(bill.months)}"
    yield _text(MARGIN, MARGIN + 4, title, weight="bold")
    most = max(components.values()) or 1
    for row, (name, dollars) in enumerate(components.items(), 1):
        top = MARGIN + row * ROW
        yield _text(MARGIN, top + 14, name)
        yield _rect(MARGIN + LABEL, top, dollars / most * BAR, ROW - 8, BAR_COLOR)
        yield _text(MARGIN + LABEL + dollars / most * BAR + 6, top + 14, f"${dollars:,.2f}")


def _storage(bill: Bill, top: float) -> Iterator[str]:
    """A column for each month, its classes one on the other."""
    most = max(sum(month.gigabytes.values()) for month in bill.months) or 1
    yield _text(
        MARGIN, top, f"Stored in S3, GB by class and month (the highest column is {most:,.0f} GB)", weight="bold"
    )
    width = (WIDTH - 2 * MARGIN) / len(bill.months)
    for column, month in enumerate(bill.months):
        bottom = top + ROW / 2 + PLOT_HEIGHT
        for name in STORED:
            tall = month.gigabytes.get(name, 0) / most * PLOT_HEIGHT
            bottom -= tall
            yield _rect(MARGIN + column * width, bottom, width * 0.8, tall, COLORS[name])
    used = [name for name in STORED if any(name in month.gigabytes for month in bill.months)]
    yield from _legend(used, top + PLOT_HEIGHT + 1.5 * ROW)


def _legend(names: Iterable[str], top: float) -> Iterator[str]:
    for at, name in enumerate(names):
        left = MARGIN + at * 140
        yield _rect(left, top - 10, 12, 12, COLORS[name])
        yield _text(left + 18, top, name)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _text(x: float, y: float, content: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" fill="#24292f">{escape(content)}</text>'
