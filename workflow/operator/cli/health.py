"""The command that checks the health of a stage."""

from dataclasses import asdict

import typer

from workflow.operator.cli import views
from workflow.operator.cli.options import Printer, command
from workflow.operator.client import Sluice
from workflow.operator.operations import health as checks


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    command(app)(health)


def health(sluice: Sluice, printer: Printer) -> None:
    """Check a stage's health: what needs a person, and the command that fixes it; exit code 1 if there is anything."""
    found = checks.health(sluice)
    printer.show([asdict(each) for each in found], lambda: views.findings_view(found))
    if any(each.ok is False for each in found):
        raise typer.Exit(1)
