"""The command that has the sweeper look right now."""

from typing import Annotated

import msgspec
import typer
from rich.console import Group, RenderableType

from tasks.sweep.report import Did
from workflow.operator.cli import views
from workflow.operator.cli.options import STDERR, Printer, command, span_of
from workflow.operator.client import Sluice
from workflow.operator.operations.sweep import Swept, sweep

DID = {
    Did.STARTED: "an execution was started",
    Did.SETTLED: "the failure is recorded now",
    Did.MOVED: "the original was in two places; the upload was removed",
    Did.TROUBLE: "AWS refused; the next sweep tries again",
}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "sweep")(sweep_command)


def sweep_command(
    sluice: Sluice,
    printer: Printer,
    older_than: Annotated[
        str | None,
        typer.Option(help="Only what has not changed for this long, such as 15m; by default the stage's setting."),
    ] = None,
) -> None:
    """Find and finish what a crash or a lost event left undone; exit code 1 where AWS refused something."""
    span = span_of(older_than) if older_than else None
    with STDERR.status("looking at what is in the ways in, and at what is said to be at work"):
        report = sweep(sluice, older_than=span)
    printer.show(msgspec.to_builtins(report), lambda: report_view(report))
    if report.counts[Did.TROUBLE]:
        raise typer.Exit(1)


def report_view(report: Swept) -> RenderableType:
    """What was found, and where all of it is written."""
    went = "" if report.complete else " The time ran out: the next sweep goes on."
    if not report.findings:
        return f"Looked at {report.looked_at}, nothing was amiss.{went}"
    rows = views.table("asset", "key", "found", "and so", "execution")
    for each in report.findings:
        rows.add_row(each.asset_id, each.key, each.because, DID[each.did], each.execution or "")
    told = len(report.findings)
    shown = "" if told == sum(report.counts.values()) else f" These are the first {told}."
    return Group(rows, f"All of it is in {report.reports[-1]}.{shown}{went}")
