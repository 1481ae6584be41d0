"""The command that uploads files, and follows them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from workflow.operator.cli import views
from workflow.operator.cli.options import STDERR, Printer, Timeout, command
from workflow.operator.cli.progress import TRANSIENT, Elapsed
from workflow.operator.client import Sluice
from workflow.operator.operations.put import Put, put_missing
from workflow.operator.shapes import Outcome, Uploaded
from workflow.operator.uploads import LeftOut, Plan, plan

INTERRUPTED = 130
"""The exit code of what Ctrl-C ends, as shells have it."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "put")(put_command)


def put_command(
    sluice: Sluice,
    printer: Printer,
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders, which are uploaded with all they contain.", exists=True)
    ],
    prefix: Annotated[str, typer.Option(help="A prefix for each key.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Upload files that are there already as well, as new versions.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for every file's outcome.")] = False,
    timeout: Timeout = 900,
) -> None:
    """Upload files that are not in the stage yet; with --wait report each outcome: exit code 1 unless all succeed.

    Run again, it resumes where it was interrupted: a file that is there with the same bytes is skipped.
    """
    planned = plan(paths, prefix)
    _tell_left_out(planned.left_out)
    place = {item: number for number, item in enumerate(planned.items)}
    done: list[Put] = []
    try:
        _upload(sluice, planned, done, force=force)
        done.sort(key=lambda each: place[each.item])
        outcomes = _follow(sluice, _there(done), timeout) if wait else []
    except KeyboardInterrupt:
        _interrupted(sluice, printer, planned, done)
    failed = [each for each in done if each.how == "failed"]
    for each in failed:
        _tell(f"not uploaded: {each.item.path}: {each.problem}", "red")
    if wait:
        printer.show([each.facts() for each in outcomes], lambda: views.outcomes_view(outcomes))
        exit_unless_all_succeeded(outcomes)
    else:
        printer.show(_facts(sluice, done), lambda: _uploaded_view(sluice, prefix, done))
    if failed or any(each.wanted for each in planned.left_out):
        raise typer.Exit(1)


def exit_unless_all_succeeded(outcomes: Sequence[Outcome]) -> None:
    if not all(outcome.is_well for outcome in outcomes):
        raise typer.Exit(1)


def _tell_left_out(left_out: Sequence[LeftOut]) -> None:
    """Those that are wanted all, of the others the first."""
    wanted = [each for each in left_out if each.wanted]
    named = wanted + [each for each in left_out if not each.wanted][: views.NAMED_AT_MOST]
    for each in named:
        _tell(f"left out: {each.path}: {each.why}", "red" if each.wanted else "yellow")
    if len(left_out) > len(named):
        _tell(f"left out: {len(left_out) - len(named):,} more of this kind", "yellow")


def _tell(line: str, style: str) -> None:
    STDERR.print(line, style=style, highlight=False, markup=False, soft_wrap=True)


def _upload(sluice: Sluice, planned: Plan, done: list[Put], *, force: bool) -> None:
    """Adds to `done`, so that it is known at every moment."""
    total = sum(_size(item.path) for item in planned.items)
    with Progress(TextColumn("uploading"), BarColumn(), DownloadColumn(), Elapsed(), **TRANSIENT) as progress:
        bar = progress.add_task("upload", total=total)
        for each in put_missing(sluice, planned.items, lambda sent: progress.advance(bar, sent), force=force):
            done.append(each)  # noqa: PERF402 - what was done is known when it is interrupted


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it went meanwhile, which its upload will tell
        return 0


def _there(done: Sequence[Put]) -> list[Uploaded]:
    return [each.uploaded for each in done if each.uploaded]


def _follow(sluice: Sluice, uploaded: list[Uploaded], timeout: float) -> list[Outcome]:
    with Progress(TextColumn("processing"), BarColumn(), MofNCompleteColumn(), Elapsed(), **TRANSIENT) as progress:
        bar = progress.add_task("process", total=len(uploaded))
        return sluice.outcomes(
            uploaded, timeout=timeout, on_progress=lambda count: progress.update(bar, completed=count)
        )


def _interrupted(sluice: Sluice, printer: Printer, planned: Plan, done: Sequence[Put]) -> NoReturn:
    """Say what S3 has answered for, and end at once: what is under way would go on until it has been sent."""
    if printer.json:
        printer.show(_facts(sluice, done), lambda: "")
    there, total = len(_there(done)), len(planned.items)
    goes_on = "They go on being processed" if there == total else "The same command again sends what is missing"
    _tell(f"Interrupted: {there:,} of {total:,} files are known to be there. {goes_on}.", "bold")
    sys.stdout.flush()
    os._exit(INTERRUPTED)


def _facts(sluice: Sluice, done: Sequence[Put]) -> list[dict[str, Any]]:
    return [
        {"path": str(each.item.path), "bucket": sluice.buckets.ingest, "key": each.item.key, "how": each.how}
        | {"version_id": each.uploaded.version_id, "asset_id": each.uploaded.asset_id}
        for each in done
        if each.uploaded
    ]


def _uploaded_view(sluice: Sluice, prefix: str, done: Sequence[Put]) -> RenderableType:
    new, known = ([each for each in done if each.how == how] for how in ("uploaded", "there"))
    told = Text(f"Uploaded {len(new)} files to s3://{sluice.buckets.ingest}/{prefix}")
    if not known:
        return told
    hint = "left as they are; --force uploads them as new versions, `sluice reprocess` needs no upload."
    return Group(told, Text(f"{len(known)} files were there already, with the same bytes: {hint}"))
