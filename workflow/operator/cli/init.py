"""`sluice init`: a folder of one's own to deploy from."""

from pathlib import Path
from typing import Annotated

import typer

from infra.stages import starter
from workflow.operator.cli.options import Json, Printer


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("init")(init_command)


def init_command(
    folder: Annotated[Path, typer.Argument(help="The folder, which is created if it does not exist.", file_okay=False)],
    json: Json = False,
) -> None:
    """Create a folder to deploy from, with your own settings. An existing stages.toml is left as it is."""
    written = [str(path) for path in starter.write(folder)]
    facts = {"folder": str(folder), "written": written}
    Printer(json).show(facts, lambda: "\n".join([*(f"Wrote {path}" for path in written), _next(folder)]))


def _next(folder: Path) -> str:
    return f"Edit {folder / 'stages.toml'}, then deploy from there: cd {folder} && sluice deploy --stage dev"
