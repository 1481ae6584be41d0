"""The table of all commands, whose modules are imported when one is called: help and completion wait for none."""

import errno
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

PANELS = {
    "The stage": {
        "demo": ("local", "Start a local stack, and watch real files go through the six steps."),
        "up": ("local", "Start the embedded AWS on this machine, and deploy to it."),
        "down": ("local", "Stop the embedded AWS."),
        "doctor": (
            "local",
            "Check that this machine has what Sluice needs and, for a stage on AWS, that the account does.",
        ),
        "status": ("lookup", "Show where this stage runs, and the names of its resources."),
        "env": ("lookup", "Print exports, so that any AWS program works against this stage."),
        "docs": ("docs", "Show a page of the documentation."),
    },
    "Files": {
        "put": ("put", "Upload files that are not in the stage yet."),
        "assets": ("lookup", "List the assets that changed last."),
        "asset": ("lookup", "Show an asset's record."),
        "get": ("lookup", "Download an asset's renditions and thumbnails."),
    },
    "Executions": {
        "start": ("lookup", "Start an execution manually."),
        "stop": ("stop", "Stop running executions."),
        "executions": ("lookup", "List the newest executions."),
        "execution": ("lookup", "Show one execution."),
        "logs": ("lookup", "Show the log lines of an asset or an execution."),
        "console": ("lookup", "Serve the web console on this machine."),
        "asl": ("lookup", "Print the definition of a state machine."),
    },
    "Recover": {
        "redrive": ("recovery", "Continue failed executions where they stopped."),
        "reprocess": ("reprocess", "Process assets again, wherever their originals are."),
        "batches": ("reprocess", "List the newest batches of reprocessed assets."),
        "batch": ("reprocess", "Show a batch's progress."),
        "restore": ("recovery", "Restore originals from Glacier."),
        "release": ("recovery", "Process rejected files again."),
        "discard": ("recovery", "Delete rejected files from quarantine."),
        "dead-letters": ("dead_letters", "List, inspect, redrive or discard dead letters."),
        "sweep": ("sweep", "Find and finish what a crash or a lost event left undone."),
    },
    "Deploy and run": {
        "init": ("init", "Create a folder to deploy from, with your own settings."),
        "deploy": ("release", "Deploy this version of Sluice to a stage."),
        "cdk": ("release", "Run the AWS CDK's command line for a stage on AWS."),
        "migrate": ("release", "File anew the records that an older Sluice filed."),
        "versions": ("release", "List the published versions."),
        "rollback": ("release", "Route new executions to an earlier version, at once."),
        "health": ("health", "Check a stage's health."),
        "cost": ("cost", "Estimate the monthly AWS bill."),
        "settings": ("live_settings", "Show or change the live settings, which need no deployment."),
    },
}
"""What the help shows together: each command with its module, and the first words of its own help."""

TRACEBACK = "SLUICE_TRACEBACK"
"""An environment variable, for those who look for a fault of Sluice."""


@dataclass(frozen=True)
class Listed:
    """Where a command is, and what the help says of it."""

    module: str
    panel: str
    summary: str


COMMANDS = {
    name: Listed(module, panel, summary)
    for panel, commands in PANELS.items()
    for name, (module, summary) in commands.items()
}


def load(name: str) -> Any:
    """A command with its options, from its module."""
    app = typer.Typer()
    app.callback()(every_command)  # or a single command would be the whole program
    import_module(f"workflow.operator.cli.{COMMANDS[name].module}").add_to(app)
    return cast("TyperGroup", typer.main.get_command(app)).commands[name]


class Commands(TyperGroup):
    """Lists all commands by what the table says of them, and loads the one that is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {
            name: TyperCommand(name, help=listed.summary, rich_help_panel=listed.panel)
            for name, listed in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sluice {version('sluice')}")
        raise typer.Exit


def every_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `sluice` itself."""


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Upload a file, and it is checked, converted, previewed, recorded, announced and archived.",
    epilog="Exit codes: 0 success, 1 the work failed, 2 wrong usage.",
)
app.callback()(every_command)


def main() -> None:
    """Run the command line; a problem becomes a sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may have letters that the terminal cannot show
    try:
        _run()
    except BrokenPipeError:
        _give_up_output()  # whoever read has had enough
    except Exception as exc:
        if TRACEBACK in os.environ:
            raise
        _give_up_output()
        _tell(exc)
    else:
        return
    sys.exit(1)


def _run() -> None:
    """The output is written before it can be said that all is well."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "The standard output is closed")
    try:
        app()
    finally:
        sys.stdout.flush()


def _give_up_output() -> None:
    """What could not be written is not tried again at the end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(problem: Exception) -> None:
    # Imported here: what knows all errors knows all of the program.
    from workflow.operator.cli.options import STDERR  # noqa: PLC0415
    from workflow.operator.cli.problems import sentence  # noqa: PLC0415

    told = (
        sentence(problem)
        or f"A fault of Sluice, {type(problem).__name__}: {problem}. Where it is, {TRACEBACK}=1 shows."
    )
    STDERR.print(told, style="red", highlight=False, markup=False, soft_wrap=True)
