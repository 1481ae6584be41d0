"""The command for what operators change while the stage runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group, RenderableType

from workflow.operator import previews
from workflow.operator.cli import views
from workflow.operator.cli.confirmation import Yes, confirm_preview
from workflow.operator.cli.options import Printer, command
from workflow.operator.client import Sluice
from workflow.operator.operations.live_settings import MEANS, Change, Written, change, checked, planned, written


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "settings")(settings_command)


def settings_command(
    sluice: Sluice,
    printer: Printer,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, such as refused_kinds=video; NAME= resets it to the deployed value."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
) -> None:
    """Show or change the live settings, which need no deployment."""
    if changes:
        found = planned(written(sluice), changes)
        if dry_run:
            printer.show([asdict(each) for each in found], lambda: changes_view(found))
            return
        if found:
            confirm_preview(previews.of_settings(found), yes=yes, json=printer.json)
            change(sluice, changes)
    found = written(sluice)
    checked(found.document)
    facts = {"settings": found.document, "version": found.version, "changed_at": found.changed_at.isoformat()}
    printer.show(facts, lambda: settings_view(found))


def changes_view(found: Sequence[Change]) -> RenderableType:
    if not found:
        return "Nothing would change."
    rows = views.table("setting", "is", "would be")
    for each in found:
        rows.add_row(each.name, each.before, each.after)
    return rows


def settings_view(found: Written) -> RenderableType:
    rows = views.table("setting", "is", "means")
    for name, means in MEANS.items():
        rows.add_row(name, json.dumps(found.document[name]) if name in found.document else "as deployed", means)
    at = found.changed_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return Group(rows, f"Version {found.version}, of {at}. A change reaches the functions within a minute.")
