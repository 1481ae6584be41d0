"""The command that stops executions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from workflow.operator import previews
from workflow.operator.cli import views
from workflow.operator.cli.confirmation import Yes, confirm, confirm_preview
from workflow.operator.cli.options import Printer, Since, command, moment_of, span_of
from workflow.operator.cli.progress import bar
from workflow.operator.client import Sluice
from workflow.operator.formatting import age
from workflow.operator.operations import whoami
from workflow.operator.operations.stop import AtWork, Running, Stopped, at_work, stop_all


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "stop")(stop_command)


def stop_command(
    sluice: Sluice,
    printer: Printer,
    executions: Annotated[list[str] | None, typer.Argument(help="Names or ARNs.", metavar="EXECUTION")] = None,
    running: Annotated[bool, typer.Option("--running", help="All running executions.")] = False,
    prefix: Annotated[str, typer.Option(help="Whose file's key begins so.")] = "",
    since: Since = None,
    older_than: Annotated[str | None, typer.Option(help="At work for longer than this, such as 2h.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which it would stop.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, which the record keeps.")] = None,
    yes: Yes = False,
) -> None:
    """Stop running executions. Their originals stay where they are, and a redrive continues them."""
    filtered = running or bool(prefix or since or older_than)
    if filtered == bool(executions):
        raise typer.BadParameter("Name executions, or say which: --running, --prefix, --since, --older-than.")
    if not (why or dry_run):
        raise typer.BadParameter("Say --why: it is the reason that the records will have.")
    if executions:
        if dry_run:
            raise typer.BadParameter("--dry-run goes with --running, --prefix, --since or --older-than.")
        names = list(dict.fromkeys(executions))
        confirm(f"Stop {previews.counted(len(names), 'execution')}?", yes=yes, json=printer.json)
    else:
        before = datetime.now(UTC) - span_of(older_than) if older_than else None
        found = at_work(sluice, AtWork(prefix=prefix, since=moment_of(since), before=before))
        if dry_run or not found:
            printer.show([asdict(each) for each in found], lambda: at_work_view(found))
            return
        names = [each.execution for each in found]
        confirm_preview(previews.of_stop(found), yes=yes, json=printer.json)
    _stop(sluice, printer, names, why or "")


def _stop(sluice: Sluice, printer: Printer, names: Sequence[str], why: str) -> None:
    with bar("stopping", len(names)) as advance:
        done = [advance(each) for each in stop_all(sluice, names, by=whoami(sluice), why=why)]
    printer.show([asdict(each) for each in done], lambda: stopped_view(done))
    if any(each.how == "refused" for each in done):
        raise typer.Exit(1)


def at_work_view(found: Sequence[Running]) -> RenderableType:
    if not found:
        return "No such execution is at work."
    made = views.table("execution", "file", "ago")
    for each in found[: views.NAMED_AT_MOST]:
        made.add_row(each.execution, each.key or "", age(each.started))
    more = f" The {views.NAMED_AT_MOST} longest of them; --json has all." if len(found) > views.NAMED_AT_MOST else ""
    return Group(made, Text(f"{_counted(found)}{more}"))


def _counted(found: Sequence[Running]) -> str:
    first = found[0]
    return f"{len(found):,} executions are at work, for the longest time {first.execution} ({first.key or '?'})."


def stopped_view(done: Sequence[Stopped]) -> RenderableType:
    """The counts, and by name those that were not stopped, or all where they are few."""
    counts = ", ".join(f"{count:,} {how}" for how, count in Counter(each.how for each in done).most_common())
    told = Text(f"{counts}. A redrive goes on with what was stopped: `sluice redrive --error Stopped`.")
    named = done if len(done) <= views.NAMED_AT_MOST else [each for each in done if each.how != "stopped"]
    if not named:
        return told
    made = views.table("execution", "how", "because")
    for each in named:
        made.add_row(each.execution, views.colored(each.how), each.because or "")
    return Group(made, told)
