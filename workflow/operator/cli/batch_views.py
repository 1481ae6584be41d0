"""How a bulk reprocess looks in a terminal: what it would do, how it is doing, what became of each asset."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from tasks.report_batch.report import Row, Summary
from workflow.events import ENDED_BADLY
from workflow.operator.cli import views
from workflow.operator.cli.recovery_views import Refused
from workflow.operator.formatting import age, moment, size
from workflow.operator.operations import spoken
from workflow.operator.operations.estimate import Estimate
from workflow.operator.operations.reprocess import Batch, BatchProgress, ListedBatch
from workflow.operator.shapes import Outcome

FROZEN_SHOWN = 10
ROWS_SHOWN = 50


def estimate_view(expected: Estimate, frozen: Sequence[str]) -> RenderableType:
    """Before anything is started."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in expected.by_kind.items())
    first = [("first", key) for key in expected.first]
    known = f"{expected.measured} of them were timed before" if expected.measured else "a guess: none was timed before"
    rows = [
        ("assets", f"{expected.count} ({kinds})" if kinds else "none"),
        *first,
        ("size", size(expected.bytes)),
        ("on AWS", f"about ${expected.dollars:.2f}, of it {expected.transitions} state transitions"),
        ("takes", f"about {span(expected.seconds)}; {known}"),
    ]
    return Group(views.pairs(rows), *_frozen(frozen))


def _frozen(frozen: Sequence[str]) -> list[RenderableType]:
    if not frozen:
        return []
    more = f"  … and {len(frozen) - FROZEN_SHOWN} more" if len(frozen) > FROZEN_SHOWN else ""
    said = f"\n{len(frozen)} originals are in Glacier and left out. Restore them, and they are processed then:"
    return [Text(said, "yellow"), Text(f"  sluice restore {' '.join(frozen[:FROZEN_SHOWN])}{more}")]


def span(seconds: float) -> str:
    """A time in hours, minutes and seconds."""
    return spoken(timedelta(seconds=max(1, seconds)))


def started_view(started: Batch) -> str:
    if started.name is None:
        lines = [f"Started {name}. Follow it with: sluice execution {name}" for name in started.executions]
        return "\n".join([*lines, *(f"Not started: {asset}: {why}" for asset, why in started.problems.items())])
    return f"Started batch {started.name} of {started.count}. Follow it with: sluice batch {started.name} --follow"


def ended_view(found: Sequence[Outcome | Refused]) -> RenderableType:
    """What became of a few assets, and why that of some is not known."""
    problems = [Text(f"{each.ref}: {each.problem}", "red") for each in found if isinstance(each, Refused)]
    return Group(views.outcomes_view([each for each in found if isinstance(each, Outcome)]), *problems)


def batch_view(found: BatchProgress, summary: Summary | None = None) -> RenderableType:
    counts = {"done": found.succeeded, "failed": found.failed, "at work": found.running, "waiting": found.pending}
    counts["left undone"] = found.aborted
    rows: list[tuple[str, object]] = [
        ("batch", found.name),
        ("status", views.colored(found.status)),
        *([("error", Text(found.error, style="red"))] if found.error else []),
        ("started", moment(str(found.started))),
        ("assets", f"{found.total}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)),
    ]
    return Group(views.pairs(rows), *([_summary_view(found.name, summary)] if summary else []), *_next_step(found))


def _summary_view(name: str, summary: Summary) -> RenderableType:
    made = views.table("assets", "outcome", "error", title="\nWhat became of them")
    for outcome, count in summary.outcomes.items():
        made.add_row(str(count), views.colored(outcome), "")
    for error, count in summary.errors.items():
        made.add_row(str(count), "", error)
    return Group(made, Text(f"Each of them: sluice batch {name} --report"))


def _next_step(found: BatchProgress) -> list[RenderableType]:
    if found.status in ENDED_BADLY:
        return [Text(f"Go on with what is left: sluice batch {found.name} --resume")]
    return []


def batches_view(found: Iterable[ListedBatch]) -> RenderableType:
    made = views.table("batch", "status", "ago")
    for each in found:
        made.add_row(each.name, views.colored(each.status), age(each.started.isoformat()))
    return made


def report_view(rows: Sequence[Row]) -> RenderableType:
    """Those that need a person first."""
    made = views.table("asset", "outcome", "file", "error", "message")
    for row in sorted(rows, key=lambda row: row.outcome == "succeeded")[:ROWS_SHOWN]:
        made.add_row(row.asset_id, views.colored(row.outcome), row.key, row.error, row.message)
    left = len(rows) - ROWS_SHOWN
    return Group(made, Text(f"… and {left} more: --json has all." if left > 0 else ""))
