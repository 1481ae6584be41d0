"""The commands that look up a stage, its executions and its assets, and that start an execution."""

import shlex
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from tasks.shared.records.model import facts_of
from workflow.limits import TASKS
from workflow.operator.cli import (
    put,
    views,
)
from workflow.operator.cli.options import (
    AssetStatus,
    Json,
    KindName,
    Limit,
    Printer,
    Since,
    Timeout,
    command,
    moment_of,
)
from workflow.operator.client import ExecutionStatus, Sluice, parse_uri
from workflow.operator.operations import own_input, whoami
from workflow.operator.stack import NotThereError
from workflow.shapes import ExecutionInput

TaskName = StrEnum("TaskName", list(TASKS))
MachineName = StrEnum("MachineName", ["ingest", "reprocess"])


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for each in (status, env, assets, asset, get, executions, execution, logs, start, console):
        command(app)(each)
    app.command()(asl)


def _uri(text: str | None) -> str | None:
    try:
        if text is not None:
            parse_uri(text)
    except NotThereError as exc:
        raise typer.BadParameter(str(exc)) from exc
    return text


def status(sluice: Sluice, printer: Printer) -> None:
    """Show where this stage runs, and the names of its resources."""
    stack = sluice.stack
    printer.show(asdict(stack), lambda: views.stack_view(stack))


def env(sluice: Sluice, printer: Printer) -> None:
    """Print exports, so that any AWS program works against this stage: eval "$(sluice env)"."""
    stack = sluice.stack
    variables = {"AWS_REGION": stack.region, "AWS_DEFAULT_REGION": stack.region}
    if local := sluice.aws.local:
        variables |= {
            "AWS_ENDPOINT_URL": local.endpoint,
            "AWS_ACCESS_KEY_ID": local.access_key_id,
            "AWS_SECRET_ACCESS_KEY": local.secret_access_key,
        }
    elif sluice.aws.profile:
        variables["AWS_PROFILE"] = sluice.aws.profile
    variables |= {f"SLUICE_{name.upper()}_BUCKET": bucket for name, bucket in asdict(stack.buckets).items()}
    variables |= {"SLUICE_STATE_MACHINE_ARN": stack.state_machine_arn, "SLUICE_TABLE": stack.table}
    variables |= {"SLUICE_STATE_MACHINE_ALIAS_ARN": stack.state_machine_alias_arn}
    printer.show(
        variables, lambda: "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    )


def executions(
    sluice: Sluice,
    printer: Printer,
    status: Annotated[ExecutionStatus | None, typer.Option(case_sensitive=False)] = None,
    since: Since = None,
    error: Annotated[str | None, typer.Option(help="That ended with this error or reject code.")] = None,
    limit: Limit = 50,
) -> None:
    """List the newest executions."""
    found = sluice.executions(status=status, since=moment_of(since), error=error, limit=limit)
    printer.show([asdict(each) for each in found], lambda: views.executions_view(found))


def execution(sluice: Sluice, printer: Printer, name: Annotated[str, typer.Argument(help="Its name or ARN.")]) -> None:
    """Show one execution: its states with attempts, times and errors, its input and output."""
    found = sluice.execution(name)
    printer.show(found.facts(), lambda: views.execution_view(found))


def assets(
    sluice: Sluice,
    printer: Printer,
    status: Annotated[AssetStatus | None, typer.Option()] = None,
    kind: Annotated[KindName | None, typer.Option()] = None,
    code: Annotated[str | None, typer.Option(help="With this error or reject code as its reason.")] = None,
    since: Since = None,
    limit: Limit = 50,
) -> None:
    """List the assets that changed last."""
    found = sluice.assets(status=status, kind=kind, code=code, since=moment_of(since), limit=limit)
    unreadable = sluice.unreadable()
    facts = [*map(facts_of, found), *({**asdict(each), "status": "unreadable"} for each in unreadable)]
    printer.show(facts, lambda: views.assets_view(found, unreadable))


Asset = Annotated[str, typer.Argument(help="An asset id, or the s3:// address of an original.", metavar="ASSET")]


def asset(sluice: Sluice, printer: Printer, asset: Asset) -> None:
    """Show an asset's record: its status, its files, and where they are."""
    found = sluice.asset(asset)
    printer.show(found.facts(), lambda: views.asset_view(found))


def get(
    sluice: Sluice,
    printer: Printer,
    asset: Asset,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    original: Annotated[bool, typer.Option("--original", help="The original too.")] = False,
) -> None:
    """Download an asset's renditions and thumbnails."""
    files = [str(path) for path in sluice.fetch(sluice.record(asset), out, original=original)]
    printer.show(files, lambda: "\n".join(files) or "Nothing was made of this asset.")


def logs(
    sluice: Sluice,
    printer: Printer,
    ref: Annotated[str, typer.Argument(help="An asset or an execution.", metavar="ASSET|EXECUTION")],
    task: Annotated[TaskName | None, typer.Option(help="Of one function only.")] = None,
) -> None:
    """Show the log lines of an asset or an execution, from all functions, in order of time."""
    lines = sluice.logs(ref, task)
    printer.show([each.facts() for each in lines], lambda: views.logs_view(lines))


def start(
    sluice: Sluice,
    printer: Printer,
    uri: Annotated[str | None, typer.Argument(help="s3://bucket/key", callback=_uri)] = None,
    version_id: Annotated[str | None, typer.Option(help="A version; else the newest.")] = None,
    own: Annotated[
        typer.FileText | None, typer.Option("--input", help="A JSON file with an input of your own; - reads it here.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    timeout: Timeout = 900,
) -> None:
    """Start an execution manually, for an object in ingest, archive or quarantine."""
    if (uri is None) == (own is None) or (own and version_id):
        raise typer.BadParameter("Name an object (and a version), or give an --input that does.")
    wanted = own_input(own.read()) if own else _input_for(uri or "", version_id)
    name = sluice.start(structs.replace(wanted, by=whoami(sluice)))
    if not wait:
        printer.show({"execution": name}, lambda: f"Started {name}. Follow it with: sluice execution {name}")
        return
    outcome = sluice.follow_execution(name, timeout=timeout)
    printer.show(outcome.facts(), lambda: views.outcomes_view([outcome]))
    put.exit_unless_all_succeeded([outcome])


def _input_for(uri: str, version_id: str | None) -> ExecutionInput:
    bucket, key = parse_uri(uri)
    return ExecutionInput(bucket=bucket, key=key, version_id=version_id)


def console(
    sluice: Sluice,
    printer: Printer,
    port: Annotated[int, typer.Option(help="The port on loopback.", min=1, max=65535)] = 8710,
    no_open: Annotated[bool, typer.Option("--no-open", help="Only print the address.")] = False,
) -> None:
    """Serve the web console on this machine until Ctrl-C, and open it in the browser."""
    # Imported here: a web server is half a second that no other command should wait for.
    from workflow.operator.console.server import serve  # noqa: PLC0415

    def ready(url: str) -> None:
        printer.show({"url": url}, lambda: f"The console is at {url}\nStop it with Ctrl-C.")
        sys.stdout.flush()
        if not no_open:
            typer.launch(url)

    serve(sluice, port, ready)


def asl(machine: MachineName, json: Json = True) -> None:  # noqa: ARG001 - the definition is JSON either way
    """Print the definition of a state machine in the Amazon States Language, which is JSON."""
    # Imported here: the Data Science SDK is a third of a second that no other command should wait for.
    from workflow.ingest import ingest  # noqa: PLC0415
    from workflow.reprocess import reprocess  # noqa: PLC0415

    definition = {MachineName.ingest: ingest, MachineName.reprocess: reprocess}[machine]()
    print(definition.to_json(pretty=True))
