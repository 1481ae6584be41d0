"""cfn-lint, on templates of ours."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

REDUNDANT_DEPENDENCY = "W3005"
"""The CDK says it of its own functions and roles: it writes a DependsOn where a GetAtt already stands."""


def lint(templates: Iterable[Path], *regions: str) -> str:
    """What it finds, by the schemas of these regions, else of us-east-1; nothing where all is well."""
    options = ["--ignore-checks", REDUNDANT_DEPENDENCY, *(["--regions", *regions] if regions else [])]
    linted = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", *options, "--", *map(str, templates)],
        capture_output=True,
        text=True,
        check=False,
    )
    return linted.stdout or linted.stderr or ("" if linted.returncode == 0 else f"exit code {linted.returncode}")
