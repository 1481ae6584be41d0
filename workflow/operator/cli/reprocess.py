"""The commands that process assets again, one by one or as a batch."""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import starmap
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from workflow.operator.cli import batch_views
from workflow.operator.cli.bulk import for_each
from workflow.operator.cli.confirmation import Yes, confirm
from workflow.operator.cli.options import STDERR, AssetStatus, KindName, Limit, Printer, Since, command, moment_of
from workflow.operator.cli.progress import TRANSIENT, Elapsed, Remaining
from workflow.operator.cli.recovery_views import Refused
from workflow.operator.client import Sluice
from workflow.operator.operations import NotPossibleError, reprocess, whoami
from workflow.operator.operations.estimate import Estimate, estimate
from workflow.operator.operations.select import Readable, Selection, select
from workflow.operator.shapes import Outcome
from workflow.reprocess import TOO_MANY_FAILURES

FOLLOW_SECONDS = 0.5

Why = Annotated[str, typer.Option(help="A reason, which is kept with each attempt.")]
Follow = Annotated[bool, typer.Option("--follow", help="Watch it to its end: exit code 1 unless all went well.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for each in (reprocess_command, batches_command, batch_command):
        command(app, each.__name__.removesuffix("_command"))(each)


def _percent(text: str) -> float:
    match = re.fullmatch(r"(\d{1,2}(?:\.\d+)?|100)%?", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a share such as 5%.")
    return float(match[1])


def reprocess_command(
    sluice: Sluice,
    printer: Printer,
    assets: Annotated[list[str] | None, typer.Argument(help="Asset ids, or s3:// addresses of originals.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Whose key began so when it was uploaded.")] = None,
    status: Annotated[AssetStatus | None, typer.Option()] = None,
    kind: Annotated[KindName | None, typer.Option()] = None,
    code: Annotated[str | None, typer.Option(help="That failed or were rejected for this, such as TooLarge.")] = None,
    since: Since = None,
    manifest: Annotated[Path | None, typer.Option(help="A CSV file with a column asset_id, as a report has.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every asset that has ended.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do, take and cost.")] = False,
    concurrency: Annotated[int | None, typer.Option(help="So many at the same time; 20 on AWS, 4 here.", min=1)] = None,
    tolerate: Annotated[str, typer.Option(help="Stop once more fail, such as 5%.")] = "100%",
    why: Why = "",
    yes: Yes = False,
    follow: Follow = False,
) -> None:
    """Process assets again, wherever their originals are. All conditions must hold; more than ten become a batch."""
    tolerated = _percent(tolerate)
    wanted = Selection(
        refs=tuple(assets or ()), manifest=manifest, prefix=prefix, status=status, kind=kind, code=code,
        since=moment_of(since), everything=everything,
    )  # fmt: skip
    readable = Readable(sluice, select(sluice, wanted))
    expected = estimate(readable, concurrency or reprocess.usual_concurrency(sluice))
    if dry_run:
        facts = {**asdict(expected), "frozen": readable.frozen}
        printer.show(facts, lambda: batch_views.estimate_view(expected, readable.frozen))
        return
    _ask(printer, expected, readable.frozen, yes=yes)
    started = reprocess.reprocess(
        sluice,
        Readable(sluice, select(sluice, wanted)),
        by=whoami(sluice),
        why=why,
        concurrency=concurrency,
        tolerate_percent=tolerated,
    )
    _show_started(sluice, printer, started, follow=follow)


def _ask(printer: Printer, expected: Estimate, frozen: Sequence[str], *, yes: bool) -> None:
    """Before anything is started: is there something to do, and is it wanted at that price?"""
    if not expected.count and frozen:
        restore = f"sluice restore {' '.join(frozen[: batch_views.FROZEN_SHOWN])}"
        raise NotPossibleError(f"All originals ({len(frozen)}) are in Glacier. Restore them first: {restore}")
    if not expected.count:
        raise NotPossibleError("No asset is selected by this. `sluice assets` shows what there is.")
    if not printer.json:
        STDERR.print(batch_views.estimate_view(expected, frozen))
    confirm(f"Reprocess {expected.count} assets?", yes=yes, json=printer.json)


def _show_started(sluice: Sluice, printer: Printer, started: reprocess.Batch, *, follow: bool) -> None:
    if not follow:
        printer.show(asdict(started), lambda: batch_views.started_view(started))
        _exit_unless(not started.problems)
    elif started.name:
        _show_end(sluice, printer, started.name)
    else:
        ended = for_each("following", started.executions, lambda name: sluice.follow_execution(name, timeout=900))
        found = [*ended, *starmap(Refused, started.problems.items())]
        printer.show([each.facts() for each in found], lambda: batch_views.ended_view(found))
        _exit_unless(all(isinstance(each, Outcome) and each.outcome == "succeeded" for each in found))


def batches_command(sluice: Sluice, printer: Printer, limit: Limit = 20) -> None:
    """List the newest batches of reprocessed assets."""
    found = reprocess.batches(sluice, limit)
    printer.show([asdict(each) for each in found], lambda: batch_views.batches_view(found))


def batch_command(
    sluice: Sluice,
    printer: Printer,
    name: Annotated[str, typer.Argument(help="Its name, as reprocess printed it.")],
    follow: Follow = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it was interrupted or stopped.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop it, and what it has at work.")] = False,
    report: Annotated[bool, typer.Option("--report", help="What became of each asset.")] = False,
) -> None:
    """Show a batch's progress."""
    if stop:
        reprocess.stop(sluice, name, by=whoami(sluice))
    if resume:
        name = reprocess.resume(sluice, name, by=whoami(sluice)).name or name
    if report:
        rows = reprocess.report(sluice, name)
        printer.show([asdict(each) for each in rows], lambda: batch_views.report_view(rows))
    elif follow:
        _show_end(sluice, printer, name)
    else:
        found = reprocess.batch(sluice, name)
        printer.show(asdict(found), lambda: batch_views.batch_view(found))


def _show_end(sluice: Sluice, printer: Printer, name: str) -> None:
    """Follow a batch to its end; its counts, and its report by error."""
    ended = _follow_batch(sluice, name)
    summary = reprocess.summary(sluice, name) if ended.error in {None, TOO_MANY_FAILURES} else None
    facts = {**asdict(ended), "report": asdict(summary) if summary else None}
    printer.show(facts, lambda: batch_views.batch_view(ended, summary))
    _exit_unless(ended.status == "SUCCEEDED" and not ended.failed)


def _follow_batch(sluice: Sluice, name: str) -> reprocess.BatchProgress:
    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, Elapsed(), Remaining(), **TRANSIENT) as progress:
        bar = progress.add_task("reprocessing", total=None)
        while (found := reprocess.batch(sluice, name)).is_running:
            words = f"reprocessing, {found.running} at work" + (f", {found.failed} failed" if found.failed else "")
            progress.update(bar, total=found.total or None, completed=found.ended, description=words)
            time.sleep(FOLLOW_SECONDS)
    return found


def _exit_unless(well: bool) -> None:
    if not well:
        raise typer.Exit(1)
