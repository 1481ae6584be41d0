"""The command for what rules and functions gave up: list it, look into it, send it again or discard it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from workflow.operator import previews
from workflow.operator.cli import views
from workflow.operator.cli.confirmation import Yes, confirm_preview
from workflow.operator.cli.options import Limit, Printer, command
from workflow.operator.cli.progress import bar
from workflow.operator.client import Sluice
from workflow.operator.formatting import age
from workflow.operator.operations import whoami
from workflow.operator.operations.dead_letters import (
    Letter,
    Queue,
    discard_dead_letters,
    look,
    queues,
    redrive_dead_letters,
)  # fmt: skip
from workflow.operator.stack import NotThereError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "dead-letters")(dead_letters_command)


def dead_letters_command(
    sluice: Sluice,
    printer: Printer,
    queue: Annotated[str | None, typer.Argument(help="The queue to inspect; without it, list all queues.")] = None,
    redrive: Annotated[
        bool, typer.Option("--redrive", help="Process its messages again, or those of all queues.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove its messages; copies are kept in the operations bucket.")
    ] = False,
    message: Annotated[list[str] | None, typer.Option(help="Only the message with this id.", metavar="ID")] = None,
    why: Annotated[str | None, typer.Option(help="The reason, which is kept with what is discarded.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which messages would be affected.")] = False,
    limit: Limit = 20,
    yes: Yes = False,
) -> None:
    """List, inspect, redrive or discard dead letters: what rules and functions gave up on."""
    if redrive and discard:
        raise typer.BadParameter("Say one of --redrive and --discard.")
    if discard and not (queue and why):
        raise typer.BadParameter("--discard needs the name of a queue, and --why.")
    if redrive:
        send_again(sluice, printer, queue, message or (), dry_run=dry_run, yes=yes)
    elif queue and discard and not dry_run:
        _discard(sluice, printer, queue, why or "", message or (), yes=yes)
    elif queue:
        found = look(sluice, queue, limit=limit)
        printer.show([each.facts() for each in found], lambda: letters_view(queue, found))
    else:
        known = queues(sluice)
        printer.show([asdict(each) for each in known], lambda: queues_view(known))


def send_again(
    sluice: Sluice, printer: Printer, queue: str | None, ids: Collection[str], *, dry_run: bool, yes: bool
) -> None:
    """Redrive a queue, or all; exit code 1 if something stayed."""
    waiting = _waiting(sluice, queue)
    if dry_run:
        printer.show({each.name: each.messages for each in waiting}, lambda: queues_view(waiting))
        return
    total = len(ids) or sum(each.messages or 0 for each in waiting)
    if total:
        confirm_preview(previews.of_sending_again(waiting, total), yes=yes, json=printer.json)
    with bar("sending again", total) as advance:
        done = redrive_dead_letters(
            sluice, queue, by=whoami(sluice), ids=ids or None, on_progress=lambda: advance(None)
        )
    printer.show([each.facts() for each in done], lambda: sent_view(done))
    if any(each.kept for each in done):
        raise typer.Exit(1)


def _waiting(sluice: Sluice, queue: str | None) -> list[Queue]:
    known = queues(sluice)
    found = [each for each in known if queue in {None, each.name}]
    if not found:
        names = ", ".join(each.name for each in known)
        raise NotThereError(f"There are no dead letters of {queue!r}; this stage has those of {names}.")
    return found


def _discard(sluice: Sluice, printer: Printer, queue: str, why: str, ids: Collection[str], *, yes: bool) -> None:
    total = len(ids) or _waiting(sluice, queue)[0].messages or 0
    if total:
        confirm_preview(previews.of_discarding(queue, total), yes=yes, json=printer.json)
    with bar("discarding", total) as advance:
        gone = discard_dead_letters(
            sluice, queue, by=whoami(sluice), why=why, ids=ids or None, on_progress=lambda: advance(None)
        )
    printer.show([each.facts() for each in gone], lambda: gone_view(gone))
    if any(each.kept for each in gone):
        raise typer.Exit(1)


def queues_view(found: Iterable[Queue]) -> RenderableType:
    made = views.table("queue", "has", "sending again")
    for each in found:
        has = Text(each.problem, "red") if each.problem else f"about {each.messages} messages"
        made.add_row(each.name, has, each.redrive)
    return made


def letters_view(queue: str, found: Sequence[Letter]) -> RenderableType:
    if not found:
        return f"No dead letters of {queue} are there."
    made = views.table("message", "ago", "event", "about", "given up because")
    for each in found:
        ago = age(each.sent_at) if each.sent_at else ""
        made.add_row(each.message_id, ago, each.event or "", each.about or "", _because(each))
    hint = f"--json shows them whole. Once the cause is fixed: `sluice dead-letters {queue} --redrive`."
    return Group(made, Text(hint))


def _because(letter: Letter) -> str:
    return ": ".join(letter.gave_up.values())


def sent_view(done: Sequence[Letter]) -> RenderableType:
    if not done:
        return "The dead-letter queues are empty."
    made = views.table("queue", "event", "about", "sent to", "kept because")
    for each in done:
        made.add_row(each.queue, each.event or "", each.about or "", each.sent_to or "", each.kept or "")
    return made


def gone_view(gone: Sequence[Letter]) -> RenderableType:
    if not gone:
        return "There was nothing to discard."
    made = views.table("message", "event", "about", "a copy is", "kept because")
    for each in gone:
        made.add_row(each.message_id, each.event or "", each.about or "", each.kept_as or "", each.kept or "")
    return made
