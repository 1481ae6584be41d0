"""How long a deployed function takes until it can be called: its package, in a fresh process, as Lambda starts it."""

import os
import zipfile
from importlib.metadata import version
from pathlib import Path

from infra.functions import bytecode
from infra.functions.packaging import LAMBDA, PackagingError, Platform, build, run_uv
from tests.bench.inputs import Input
from tests.bench.peers import Peers
from tests.bench.race import Contestant
from tests.unit.cloud import ENVIRONMENT
from workflow.limits import task_of

HERE = Platform(f"{os.uname().machine}-manylinux_2_28", LAMBDA.python)
FUNCTIONS = {"notify": 1.0, "transform_image": 1.37, "transform_table": 1.37, "transform_document": 1.37}
"""What is promised of each, in times of what boto3's clients of S3 and DynamoDB take alone."""

_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")
_CLIENTS = "import boto3\nfor name in ('s3', 'dynamodb'): boto3.client(name, region_name='eu-west-1')"
NOTHING = Input("nothing", "", Path.touch)
BOTO3 = "boto3's clients"


def measured(peers: Peers, *, quick: bool) -> list[tuple[str, list[Contestant], float]]:
    """What each function is called, itself and boto3 alone, and what is promised."""
    found = bytecode.interpreter(LAMBDA.python)
    if found is None:
        peers.missing.append(f"functions as deployed: there is no Python {LAMBDA.python}")
        return []
    folder = peers.folder
    try:
        runtime = _runtime(found[0], folder / "runtime")
        clients = _program(BOTO3, found[0], [runtime], _CLIENTS)
        return [
            (function, [_function(function, found[0], folder, runtime), clients], goal)
            for function, goal in list(FUNCTIONS.items())[: 1 if quick else None]
        ]
    except PackagingError as exc:
        peers.missing.append(f"functions as deployed: no package registry ({str(exc).splitlines()[-1]})")
        return []


def _runtime(python: Path, folder: Path) -> Path:
    """Lambda's runtime has boto3, with its bytecode."""
    if not folder.exists():
        pinned = [f"{name}=={version(name)}" for name in _RUNTIME]
        run_uv("pip", "install", "--quiet", "--python", str(python), "--target", str(folder), "--no-deps", *pinned)
        bytecode.compile_all(folder, python)
    return folder


def _function(function: str, python: Path, folder: Path, runtime: Path) -> Contestant:
    package = build(function, HERE, folder / "packages")
    content = folder / package.stem
    if not content.exists():
        with zipfile.ZipFile(package) as archive:
            archive.extractall(content)
    task, kind = task_of(function)
    modules = [f"tasks.{task}.handler", *([f"tasks.{task}.{kind}"] if kind else [])]
    code = f"import os; os.environ.update({ENVIRONMENT!r}); import {', '.join(modules)}"
    return _program("Sluice", python, [content, runtime], code)


def _program(name: str, python: Path, places: list[Path], code: str) -> Contestant:
    path = f"import sys; sys.path[:0] = {[str(each) for each in places]!r}"
    return Contestant(name, (str(python), "-ISc", f"{path}\n{code}"), whole=True, takes_path=True)
