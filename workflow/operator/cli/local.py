"""The commands of the laptop: start and stop the embedded AWS, show it on real files, see what is missing."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from infra.local.access import LocalAccess
from infra.local.assembly import SynthesisError
from infra.local.deploy import DeploymentError
from infra.local.emulator import EmulatorError
from infra.local.stack import Ready, down, up
from workflow.operator.cli import demo, doctor, views
from workflow.operator.cli.options import STDERR, Json, Printer, Profile, Region, Stage
from workflow.operator.recover import recover
from workflow.operator.stack import LOCAL, STATE_DIR, Connection

ERRORS = (DeploymentError, EmulatorError, SynthesisError)

Port = Annotated[int | None, typer.Option(help="The port on loopback. [default: 4566]", min=1, max=65535)]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for each in (up_command, down_command, demo_command, doctor_command):
        app.command(each.__name__.removesuffix("_command"))(each)


def bring_up(port: int | None) -> Ready:
    """`up`, telling on standard error what takes time."""
    with STDERR.status("starting") as spinner:
        ready = up(STATE_DIR, port, spinner.update, connect=_connect, recover=recover)
    STDERR.print(f"[green]ready[/] in {ready.seconds:.1f} s at {ready.endpoint}", highlight=False)
    if ready.taken_up:
        STDERR.print(f"Took up {len(ready.taken_up)} files that were in flight when it stopped.", highlight=False)
    return ready


def _connect(access: LocalAccess) -> Connection:
    return Connection(LOCAL, local=access)


def up_command(
    detach: Annotated[bool, typer.Option("--detach", help="Return, and leave it running.")] = False,
    port: Port = None,
    json: Json = False,
) -> None:
    """Start the embedded AWS on this machine, and deploy to it."""
    ready = bring_up(port)
    facts = {"endpoint": ready.endpoint, "seconds": round(ready.seconds, 2), "taken_up": ready.taken_up}
    hint = "Look around with `sluice status`, stop with `sluice down`." if detach else "Stop with Ctrl-C."
    Printer(json).show(facts, lambda: hint)
    if not detach:
        _until_stopped()
        down(STATE_DIR, wipe=False)


def _until_stopped() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    stopped.wait()


def down_command(
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete everything: objects, records, executions.")] = False,
    json: Json = False,
) -> None:
    """Stop the embedded AWS; its state stays in .sluice/ unless wiped."""
    ran = down(STATE_DIR, wipe=wipe)
    text = ("Stopped." if ran else "It was not running.") + (" Everything is forgotten." if wipe else "")
    Printer(json).show({"stopped": ran, "wiped": wipe}, lambda: text)


def demo_command(port: Port = None, json: Json = False) -> None:
    """Start a local stack, and watch real files go through the six steps; exit code 1 unless each ends as expected."""
    ready = bring_up(port)
    files = demo.run(live=not json)
    ok = all(each.as_expected for each in files)
    facts = {
        "endpoint": ready.endpoint,
        "seconds_to_ready": round(ready.seconds, 2),
        "ok": ok,
        "files": [each.facts() for each in files],
    }
    Printer(json).show(facts, lambda: demo.summary(files))
    if not ok:
        raise typer.Exit(1)


def doctor_command(stage: Stage = LOCAL, profile: Profile = None, region: Region = None, json: Json = False) -> None:
    """Check that this machine has what Sluice needs and, for a stage on AWS, that the account does."""
    findings = doctor.examine(Path()) if stage == LOCAL else doctor.examine_aws(stage, profile, region)
    facts = [{"check": each.check, "ok": each.ok, "found": each.found, "advice": each.advice} for each in findings]
    Printer(json).show(facts, lambda: views.findings_view(findings))
    if any(each.ok is False for each in findings):
        raise typer.Exit(1)
