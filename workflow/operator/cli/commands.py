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
        "demo": ("local", "Start it all, and watch real files go through the six steps."),
        "up": ("local", "Start the embedded AWS on this machine, and deploy to it."),
        "down": ("local", "Stop the embedded AWS."),
        "doctor": ("local", "Look whether this machine, and for a stage on AWS its account, has what the stage needs."),
        "status": ("look", "Where this stage runs, and the names of its resources."),
        "env": ("look", "Print exports, so that any AWS program works against this stage."),
        "docs": ("docs", "Show a page of the documentation."),
    },
    "Files": {
        "put": ("put", "Upload files that are not there yet."),
        "assets": ("look", "The assets that changed last."),
        "asset": ("look", "The record of an asset."),
        "get": ("look", "Download what was made of an asset."),
    },
    "Executions": {
        "start": ("look", "Start an execution by hand."),
        "stop": ("stop", "Stop executions that are at work."),
        "executions": ("look", "The newest executions."),
        "execution": ("look", "One execution."),
        "logs": ("look", "Log lines of an asset or an execution."),
        "console": ("look", "Serve the web console on this machine."),
        "asl": ("look", "Print the definition of a state machine."),
    },
    "Recover": {
        "redrive": ("mend", "Continue failed executions where they stopped."),
        "reprocess": ("operate", "Process assets again, wherever their originals are."),
        "batches": ("operate", "The newest batches of reprocessed assets."),
        "batch": ("operate", "How a batch is doing."),
        "restore": ("mend", "Have originals restored out of Glacier."),
        "release": ("mend", "Check and process rejected files again."),
        "discard": ("mend", "Let rejected files go, out of quarantine."),
        "dead-letters": ("dead_letters", "What rules and functions gave up."),
        "sweep": ("sweep", "Find what a crash or a lost event left undone, and put it right."),
    },
    "Deploy and run": {
        "init": ("init", "Make a folder to deploy from, with settings of your own."),
        "deploy": ("release", "Deploy this Sluice."),
        "cdk": ("release", "Run the AWS CDK's command line on a stage that is on AWS."),
        "migrate": ("release", "File anew the records that an older Sluice filed."),
        "versions": ("release", "The published versions."),
        "rollback": ("release", "Let new executions run an earlier version, at once."),
        "health": ("health", "Check a stage's health."),
        "cost": ("cost", "What files cost a month on AWS."),
        "settings": ("live_settings", "Show what can be changed while the stage runs, and change it."),
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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    """Options of `sluice` itself."""


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Upload a file, and it is checked, converted, previewed, recorded, announced and archived.",
    epilog="Exit codes: 0 all is well, 1 the work failed, 2 the command was used wrongly.",
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
