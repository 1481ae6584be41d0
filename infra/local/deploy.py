"""Deploys the local stage through the CloudFormation API, fast: what has not changed is neither built nor touched."""

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.functions import sources
from infra.functions.code_parameters import CODE_BUCKET, CODE_KEY
from infra.local import assembly
from infra.local.cloudformation import DeploymentError, Stacks

__all__ = ["Deployment", "DeploymentError", "deploy"]

ASSETS_BUCKET = "sluice-local-assets"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
"""What `cdk bootstrap` leaves behind, and every CDK template asks for."""

ClientFactory = Callable[[str], Any]
"""Service name → boto3 client of the embedded AWS."""


@dataclass(frozen=True)
class Deployment:
    """`changed` names the stacks that were created or updated; `outputs` are those of all stacks."""

    changed: tuple[str, ...]
    outputs: dict[str, str]


def deploy(client: ClientFactory, state_dir: Path) -> Deployment:
    """Bring the embedded AWS to what the source tree says. `state_dir` keeps the synthesized templates."""
    templates = assembly.templates(state_dir)
    assets = _Assets(client("s3"))
    parameters = {CODE_BUCKET: ASSETS_BUCKET, CODE_KEY: assets.publish("zip", _source_tree())}
    _mark_bootstrapped(client("ssm"))
    stacks = Stacks(client("cloudformation"))
    changed: list[str] = []
    for name, template in templates.items():
        # By address: CloudFormation takes no more than 51,200 bytes in the request itself.
        url = f"https://s3.amazonaws.com/{ASSETS_BUCKET}/{assets.publish('json', template.encode())}"
        if stacks.apply(name, url, {key: value for key, value in parameters.items() if f'"{key}"' in template}):
            changed.append(name)
    return Deployment(tuple(changed), {key: value for name in templates for key, value in stacks.outputs(name).items()})


def _mark_bootstrapped(ssm: Any) -> None:
    with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String")


def _source_tree() -> bytes:
    """A zip of what the functions run, but for libraries: a published version keeps its code while the tree changes.

    Equal sources make equal bytes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(sources.function_files()):
            entry = zipfile.ZipInfo(path.relative_to(sources.PROJECT_ROOT).as_posix())
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


class _Assets:
    """The bucket that templates and code are deployed from; each object is named by its content."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=ASSETS_BUCKET)

    def publish(self, suffix: str, body: bytes) -> str:
        """The key under which `body` is now."""
        key = f"{hashlib.sha256(body).hexdigest()}.{suffix}"
        self._s3.put_object(Bucket=ASSETS_BUCKET, Key=key, Body=body)
        return key
