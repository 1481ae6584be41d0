"""How a command asks before it changes what is hard to take back."""

from typing import Annotated

import typer

from workflow.operator.cli.options import STDERR
from workflow.operator.operations import NotPossibleError
from workflow.operator.previews import Preview

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def confirm_preview(preview: Preview, *, yes: bool, json: bool) -> None:
    """Tell on standard error what will happen, and go on only if a person says so."""
    if not (yes or json):
        for each in preview.says:
            STDERR.print(each, highlight=False, markup=False)
    confirm(preview.question, yes=yes, json=json)


def confirm(question: str, *, yes: bool, json: bool) -> None:
    """Go on only if a person says so, or `--yes` did; a program must say it beforehand."""
    if yes:
        return
    if json:
        raise NotPossibleError("Confirmation required: pass --yes beside --json.")
    typer.confirm(question, abort=True, err=True)
