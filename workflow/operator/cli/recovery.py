"""The commands that recover from what went wrong: redrive, restore, release, discard."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import typer

from tasks.shared.records.model import Record, facts_of
from workflow.glacier import Tier
from workflow.operator import previews
from workflow.operator.cli import dead_letters, recovery_views, views
from workflow.operator.cli.bulk import for_each
from workflow.operator.cli.confirmation import Yes, confirm_preview
from workflow.operator.cli.options import STDERR, Printer, Since, Timeout, command, moment_of
from workflow.operator.cli.progress import bar
from workflow.operator.cli.recovery_views import Gone, Refused, Released
from workflow.operator.client import Sluice
from workflow.operator.operations import whoami
from workflow.operator.operations.quarantine import discard, release
from workflow.operator.operations.redrive import Failed, Redriven, failed_executions, redrive_all
from workflow.operator.operations.restore import Asked, price_of_restore, restore
from workflow.operator.operations.select import Selection, select
from workflow.operator.patience import PROBLEMS, patiently

Assets = Annotated[list[str], typer.Argument(help="Asset ids, or s3:// addresses of originals.", metavar="ASSET")]
MaybeAssets = Annotated[
    list[str] | None, typer.Argument(help="Asset ids, or s3:// addresses of originals.", metavar="ASSET")
]
Code = Annotated[str | None, typer.Option(help="Only those with this reject code, such as TooLarge.")]
Prefix = Annotated[str | None, typer.Option(help="Only those whose key, as uploaded, begins with this.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list which they would be.")]
Why = Annotated[str | None, typer.Option(help="The reason, which is kept in the record.")]
Reason = Annotated[str, typer.Option("--why", help="The reason, which is kept in the record.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for each outcome: exit code 1 unless all succeed.")]


class Told(Protocol):
    """What a command tells of one asset or execution."""

    def facts(self) -> dict[str, Any]: ...


S = TypeVar("S", bound=Told)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for each in (redrive_command, restore_command, release_command, discard_command):
        command(app, each.__name__.removesuffix("_command"))(each)


def redrive_command(
    sluice: Sluice,
    printer: Printer,
    executions: Annotated[
        list[str] | None, typer.Argument(help="Names or ARNs of failed executions.", metavar="EXECUTION")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed, and that nothing has overtaken.")] = False,
    error: Annotated[str | None, typer.Option(help="Those that failed with this error.")] = None,
    state: Annotated[str | None, typer.Option(help="Those that failed in this state.")] = None,
    since: Since = None,
    dlq: Annotated[bool, typer.Option("--dlq", help="Send the messages in the dead-letter queues again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to redrive.")] = False,
    why: Why = None,
    yes: Yes = False,
    wait: Wait = False,
    timeout: Timeout = 900,
) -> None:
    """Continue failed executions where they stopped; where AWS cannot, process their assets from the start."""
    _one_of(executions=bool(executions), failed=failed or bool(error or state), dlq=dlq)
    if dlq:
        dead_letters.send_again(sluice, printer, None, (), dry_run=dry_run, yes=yes)
        return
    names = list(executions or ())
    if not names:
        found = failed_executions(sluice, since=moment_of(since), error=error, state=state)
        if dry_run or not found:
            printer.show([asdict(each) for each in found], lambda: recovery_views.failed_view(found))
            return
        _confirm_redrive(printer, found, yes=yes)
        names = [each.execution for each in found]
    elif dry_run:
        raise typer.BadParameter("--dry-run goes with --failed, --error, --state or --dlq.")
    _redrive(sluice, printer, names, why, timeout if wait else None)


def _one_of(**ways: bool) -> None:
    if sum(ways.values()) != 1:
        raise typer.BadParameter("Name executions, or say one of --failed (or --error, --state) and --dlq.")


def _confirm_redrive(printer: Printer, found: Sequence[Failed], *, yes: bool) -> None:
    preview = previews.of_redrive(len(found), previews.causes((each.error, each.state) for each in found))
    confirm_preview(preview, yes=yes, json=printer.json)


def _redrive(sluice: Sluice, printer: Printer, names: Sequence[str], why: str | None, timeout: float | None) -> None:
    with bar("redriving", len(names)) as advance:
        done = [advance(each) for each in redrive_all(sluice, names, by=whoami(sluice), why=why)]
    ends = {} if timeout is None else _follow(sluice, done, timeout)
    rows = [recovery_views.Ended(each, ends.get(each.execution)) for each in done]
    followed = timeout is not None
    facts = [asdict(each.redriven) | ({"outcome": each.outcome} if followed else {}) for each in rows]
    printer.show(facts, lambda: recovery_views.redriven_view(rows))
    refused = any(each.how == "refused" for each in done)
    if refused or any(each.outcome not in {None, "succeeded"} for each in rows):
        raise typer.Exit(1)


def _follow(sluice: Sluice, done: Sequence[Redriven], timeout: float) -> dict[str, str]:
    """Outcomes by the execution that was to be redriven."""
    started = [each for each in done if each.how in {"redriven", "reprocessed"}]
    names = [each.started for each in started]
    found = for_each("following", names, lambda name: sluice.follow_execution(name, timeout=timeout))
    return {
        each.execution: "failed" if isinstance(end, Refused) else end.outcome
        for each, end in zip(started, found, strict=True)
    }


def restore_command(
    sluice: Sluice,
    printer: Printer,
    assets: Assets,
    tier: Annotated[Tier, typer.Option(case_sensitive=False, help="Retrieval tier.")] = Tier.STANDARD,
    days: Annotated[int, typer.Option(help="For how many days the original stays readable.", min=1)] = 7,
    reprocess: Annotated[bool, typer.Option(help="Reprocess each original once it can be read.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would cost and how long it would take.")
    ] = False,
    why: Why = None,
    yes: Yes = False,
) -> None:
    """Restore originals from Glacier, which takes hours; S3's event then starts their reprocessing."""
    priced = price_of_restore(sluice, _known(sluice, assets), tier=tier, days=days)
    if dry_run:
        printer.show(asdict(priced), lambda: recovery_views.price_view(priced))
        return
    if priced.count:
        confirm_preview(previews.of_restore({tier: priced}, days=days), yes=yes, json=printer.json)
    by = whoami(sluice)

    def ask(ref: str) -> Asked:
        return restore(sluice, sluice.record(ref), tier=tier, days=days, by=by, why=why, reprocess=reprocess)

    found = for_each("asking", assets, lambda ref: patiently(partial(ask, ref)))
    _show(printer, found, recovery_views.restores_view)


def _known(sluice: Sluice, refs: Sequence[str]) -> Iterator[Record]:
    """The records; what is not there, or cannot be read, is told by what is then tried with it."""
    for ref in refs:
        with suppress(*PROBLEMS):
            yield patiently(partial(sluice.record, ref))


def release_command(
    sluice: Sluice,
    printer: Printer,
    why: Reason,
    assets: MaybeAssets = None,
    code: Code = None,
    prefix: Prefix = None,
    since: Since = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    timeout: Timeout = 900,
) -> None:
    """Process rejected files again, for example after a limit was raised."""
    refs = _rejected(sluice, printer, assets, Selection(code=code, prefix=prefix, since=moment_of(since)), dry_run)
    if refs is None:
        return
    if not assets:
        confirm_preview(previews.of_release(len(refs)), yes=yes, json=printer.json)
    by = whoami(sluice)
    found = for_each("releasing", refs, lambda ref: _release(sluice, ref, by, why, timeout if wait else None))
    _show(printer, found, recovery_views.releases_view)


def _rejected(
    sluice: Sluice, printer: Printer, assets: Sequence[str] | None, wanted: Selection, dry_run: bool
) -> list[str] | None:
    """The assets that are meant, by name or by a filter; None where there is nothing to do but to show them."""
    if bool(assets) != wanted.is_empty:
        raise typer.BadParameter("Name assets, or say which: --code, --prefix, --since.")
    if assets:
        if dry_run:
            raise typer.BadParameter("--dry-run goes with --code, --prefix or --since.")
        return list(assets)
    found = list(select(sluice, replace(wanted, status="rejected")))
    if dry_run or not found:
        printer.show(
            [facts_of(each) for each in found],
            lambda: views.assets_view(found) if found else "No rejected file is meant by this.",
        )
        return None
    if not printer.json:
        STDERR.print(views.assets_view(found[: views.NAMED_AT_MOST]))
    return [each.asset_id for each in found]


def _release(sluice: Sluice, ref: str, by: str, why: str, timeout: float | None) -> Released:
    record = patiently(partial(sluice.record, ref))
    name = patiently(partial(release, sluice, record, by=by, why=why))
    released = Released(record.asset_id, record.key, name)
    return released if timeout is None else _followed(sluice, released, timeout)


def _followed(sluice: Sluice, released: Released, timeout: float) -> Released:
    """It stays released, whatever is in the way of following it."""
    try:
        end = sluice.follow_execution(released.execution, timeout=timeout)
    except PROBLEMS as exc:
        return replace(released, problem=str(exc))
    problem = None if end.outcome == "succeeded" else f"{end.outcome}: {end.reason}"
    return replace(released, outcome=end.outcome, problem=problem)


def discard_command(
    sluice: Sluice,
    printer: Printer,
    why: Reason,
    assets: MaybeAssets = None,
    code: Code = None,
    prefix: Prefix = None,
    since: Since = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Delete rejected files from quarantine. Their records and reasons stay."""
    refs = _rejected(sluice, printer, assets, Selection(code=code, prefix=prefix, since=moment_of(since)), dry_run)
    if refs is None:
        return
    confirm_preview(previews.of_discard(len(refs)), yes=yes, json=printer.json)
    by = whoami(sluice)
    found = for_each("discarding", refs, lambda ref: patiently(partial(_discard, sluice, ref, by, why)))
    _show(printer, found, recovery_views.discards_view)


def _discard(sluice: Sluice, ref: str, by: str, why: str) -> Gone:
    record = sluice.record(ref)
    discard(sluice, record, by=by, why=why)
    return Gone(record.asset_id, record.key)


def _show(printer: Printer, found: Sequence[S], view: Callable[[Sequence[S]], Any]) -> None:
    facts = [each.facts() for each in found]
    printer.show(facts, lambda: view(found))
    if any("problem" in each for each in facts):
        raise typer.Exit(1)
