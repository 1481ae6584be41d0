"""cfn-lint, on templates of ours."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

REDUNDANT_DEPENDENCY = "W3005"
"""The CDK says it of its own functions and roles: it writes a DependsOn where a GetAtt already stands."""


def lint(templates: Sequence[Path]) -> str:
    """What it finds; nothing where all is well. In a definition it knows the ARNs of the standard partition only."""
    with TemporaryDirectory() as folder:
        copies = [Path(folder) / template.name for template in templates]
        for copy, template in zip(copies, templates, strict=True):
            copy.write_text(template.read_text().replace("arn:${partition}:", "arn:aws:"))
        linted = subprocess.run(
            [
                Path(sys.executable).parent / "cfn-lint",
                "--ignore-checks",
                REDUNDANT_DEPENDENCY,
                "--",
                *map(str, copies),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    return linted.stdout or linted.stderr or ("" if linted.returncode == 0 else f"exit code {linted.returncode}")
