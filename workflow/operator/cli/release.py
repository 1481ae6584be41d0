"""The commands that change which version new executions run: deploy it, look at it, take it back."""

import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from infra.functions.sources import PROJECT_ROOT
from infra.local.access import private
from infra.release import toolchain
from infra.stages.read import SettingsError
from infra.stages.stages import CHOSEN, settings_of, stages_file
from tasks.shared.records.adapter import Records
from workflow.names import resource_name
from workflow.operator import index_steps, previews
from workflow.operator.cli import local, views
from workflow.operator.cli.confirmation import Yes, confirm_preview
from workflow.operator.cli.options import STDERR, Json, Printer, Profile, Region, Stage, command
from workflow.operator.client import Sluice
from workflow.operator.formatting import moment
from workflow.operator.previews import shares_told
from workflow.operator.releases import Pruned, Releases, Version
from workflow.operator.stack import LOCAL, STATE_DIR, Connection, NotThereError

ERRORS = (SettingsError, toolchain.MissingToolError, index_steps.IndexesError)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("deploy")(deploy_command)
    app.command("cdk", context_settings={"ignore_unknown_options": True})(cdk_command)
    command(app)(migrate)
    command(app)(rollback)
    command(app)(versions)


def deploy_command(
    stage: Stage = LOCAL,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before permissions are broadened.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only build the templates and packages; needs no account.")
    ] = False,
    profile: Profile = None,
    region: Region = None,
    json: Json = False,
) -> None:
    """Deploy this version of Sluice to a stage, and follow the rollout; exit code 1 if it was rolled back."""
    settings_of(stage)
    if dry_run:
        _synthesize(stage, region, Printer(json))
        return
    if stage == LOCAL:
        local.bring_up(None)
        succeeded = True
    else:
        succeeded = _deploy_to_aws(stage, profile, region, ask=not yes)
    if succeeded:
        _releases(stage, profile, region).cool()
    shares = _releases(stage, profile, region).shares() if succeeded else _shares_if_any(stage, profile, region)
    outcome = "Deployed" if succeeded else "The deployment was undone"
    facts = {"stage": stage, "deployed": succeeded, "shares": shares}
    Printer(json).show(facts, lambda: f"{outcome}. New executions run {shares_told(shares)}.")
    if not succeeded:
        raise typer.Exit(1)


def cdk_command(
    arguments: Annotated[list[str], typer.Argument(help="For example bootstrap, diff or destroy, with options.")],
    stage: Stage = LOCAL,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Run the AWS CDK's command line for a stage on AWS."""
    if stage == LOCAL:
        raise typer.BadParameter("The local stage is not for AWS: name another with --stage.")
    settings_of(stage)
    with private(STATE_DIR):
        done = subprocess.run(  # noqa: S603 - our own CDK, with what its user asks it for
            _cdk(stage, profile, *arguments), cwd=PROJECT_ROOT, env=_environment(region), check=False
        )
    raise typer.Exit(done.returncode)


def rollback(
    sluice: Sluice,
    printer: Printer,
    to: Annotated[int | None, typer.Option(help="The version; by default the previous one.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")] = False,
    yes: Yes = False,
) -> None:
    """Route new executions to an earlier version, at once. Running ones keep the version they started with."""
    releases = Releases(sluice.aws)
    cancels = to is None and releases.deploying()
    planned = None if cancels else releases.planned(to)
    preview = previews.of_rollback(planned) if planned else previews.OF_CANCELLING
    if dry_run:
        facts = asdict(planned) if planned else {"cancels": True}
        printer.show(facts, lambda: "\n".join((preview.question, *preview.says)))
        return
    confirm_preview(preview, yes=yes, json=printer.json)
    if cancels:
        cancelled = releases.cancel_deployment()
        told = previews.CANCELLED if cancelled else previews.NOT_CANCELLED
        printer.show({"cancelled": cancelled}, lambda: told)
        return
    switch = releases.roll_back(to)
    printer.show(asdict(switch), lambda: previews.switched(switch))


def versions(
    sluice: Sluice,
    printer: Printer,
    prune: Annotated[bool, typer.Option("--prune", help="Delete versions that nothing uses any more.")] = False,
) -> None:
    """List the published versions: which are live, since when, and for what share of new executions."""
    releases = Releases(sluice.aws)
    if prune:
        pruned = releases.prune(datetime.now(UTC))
        printer.show(asdict(pruned), lambda: _pruned_view(pruned))
        return
    found = releases.versions()
    printer.show([asdict(each) for each in found], lambda: _versions_view(found))


def _synthesize(stage: str, region: str | None, printer: Printer) -> None:
    with private(STATE_DIR):
        done = subprocess.run(  # noqa: S603 - our own CDK, with names that typer has checked
            _cdk(stage, None, "synth", "--quiet", "--no-notices"),
            cwd=PROJECT_ROOT,
            env=_environment(region),
            stdout=sys.stderr,
            check=False,
        )
    if done.returncode != 0:
        raise typer.Exit(1)
    folder = _assembly(stage)
    templates = [str(each) for each in sorted(folder.glob("*.template.json"))]
    facts = {"stage": stage, "assembly": str(folder), "templates": templates}
    printer.show(facts, lambda: f"Nothing was deployed. What would be is in {folder}.")


def migrate(sluice: Sluice, printer: Printer) -> None:
    """File anew the records that an older Sluice filed, for today's lists. It may be stopped and repeated."""
    filing = sluice.records.filing
    filed = 0
    if filing:
        with STDERR.status("looking") as spinner:
            for each in filing.renew():
                filed += each.filed
                spinner.update(f"{filed:,} records filed anew")
    told = f"{filed:,} records were filed anew." if filing else "The table has today's indexes alone: nothing to do."
    printer.show({"filed": filed}, lambda: told)


def _change_indexes(stage: str, profile: str | None, region: str | None) -> bool:
    """All but the last change of the table's indexes; False where one was undone."""
    connection = Connection(stage, profile=profile, region=region)
    try:
        stack = connection.stack
    except NotThereError:  # the first deployment makes all of them at once
        return True
    table, old_indexes = stack.table, settings_of(stage).storage.old_indexes
    now = index_steps.indexes_of(connection.dynamodb, table)
    filing = Records(connection.dynamodb, table, "kept").filing
    with STDERR.status("looking whether the table's indexes can change"):
        index_steps.refuse_to_lose(now, stack.old_indexes, old_indexes, lambda: filing and filing.first_left())
    for names in index_steps.steps(now, old_indexes):
        index_steps.await_quiet(connection.dynamodb, table, STDERR.print)
        step = ("--exclusively", resource_name(stage, "storage"), "--context", f"indexes={','.join(names)}")
        with private(STATE_DIR):
            done = subprocess.run(  # noqa: S603 - our own CDK, with names of our own
                _cdk(stage, profile, "deploy", *step, "--require-approval", "never"),
                cwd=PROJECT_ROOT,
                env=_environment(region),
                stdout=sys.stderr,
                check=False,
            )
        if done.returncode:
            return False
    index_steps.await_quiet(connection.dynamodb, table, STDERR.print)
    return True


def _deploy_to_aws(stage: str, profile: str | None, region: str | None, *, ask: bool) -> bool:
    if not _change_indexes(stage, profile, region):
        return False
    approval = "broadening" if ask else "never"
    with private(STATE_DIR):
        deployment = subprocess.Popen(  # noqa: S603 - our own CDK, with names that typer has checked
            _cdk(stage, profile, "deploy", "--all", "--progress", "events", "--require-approval", approval),
            cwd=PROJECT_ROOT,
            env=_environment(region),
            stdout=sys.stderr,
        )
    try:
        _releases(stage, profile, region).follow(lambda: deployment.poll() is None, _tell)
    except NotThereError:
        STDERR.print("The first deployment of this stage: there is no older version to move from.")
    return deployment.wait() == 0


def _cdk(stage: str, profile: str | None, *arguments: str) -> list[str]:
    """The CDK on a stage. It runs where the sources are, and writes to the state folder."""
    app = shlex.join([sys.executable, "-m", "infra.app"])
    options = ["--context", f"stage={stage}", "--app", app, "--output", str(_assembly(stage))]
    return toolchain.cdk(*arguments, *options, *(["--profile", profile] if profile else []))


def _assembly(stage: str) -> Path:
    return STATE_DIR.resolve() / "cdk.out" / stage


def _environment(region: str | None) -> dict[str, str]:
    chosen = {"AWS_REGION": region} if region else {}
    return toolchain.environment(SLUICE_STATE_DIR=str(STATE_DIR.resolve()), **{CHOSEN: str(stages_file())}, **chosen)


def _releases(stage: str, profile: str | None, region: str | None) -> Releases:
    return Releases(Connection(stage, profile=profile, region=region))


def _shares_if_any(stage: str, profile: str | None, region: str | None) -> dict[int, int]:
    try:
        return _releases(stage, profile, region).shares()
    except NotThereError:
        return {}


def _tell(shares: dict[int, int]) -> None:
    STDERR.print(f"New executions run {shares_told(shares)}.", style="bold", highlight=False)


def _versions_view(found: Iterable[Version]) -> RenderableType:
    made = views.table("version", "created", "share", "live since", "running", "description")
    for each in found:
        share = f"{each.share} %" if each.share else ""
        made.add_row(str(each.number), _moment(each.created), share, _moment(each.live_since), *_rest(each))
    return made


def _rest(version: Version) -> tuple[str, str]:
    return str(version.running or ""), version.description or ""


def _moment(at: Any) -> str:
    return moment(at.isoformat()) if at else ""


def _pruned_view(pruned: Pruned) -> str:
    numbers = ", ".join(map(str, pruned.state_machine)) or "none"
    return f"Deleted versions of the state machine: {numbers}; and {len(pruned.functions)} versions of functions."
