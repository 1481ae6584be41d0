"""The local stage's synthesized templates: those that come with the sources, as long as they fit, or kept ones.

Synthesizing takes ten seconds or more; finding that nothing has changed takes a few hundredths of one.
`python -m infra.local.assembly` makes anew what comes with the sources.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import msgspec

from infra.functions import sources
from infra.release import toolchain
from infra.stages.stages import CHOSEN, settings_of, stages_file
from workflow.names import LOCAL, resource_name

STACKS = (resource_name(LOCAL, "storage"), resource_name(LOCAL, "pipeline"))
"""In the order in which they are deployed."""
MAKERS = ("aws-cdk-lib", "constructs", "stepfunctions-without-sagemaker")

SHIPPED = Path(__file__).with_name("templates.json.gz")
"""What comes with the sources: the templates, and the digest of what they were made from."""


class SynthesisError(Exception):
    """The CDK app failed; the message holds what it printed."""


def templates(state_dir: Path) -> dict[str, str]:
    """Template by stack name, in the order of deployment; synthesized only if neither shipped nor cached ones fit."""
    digest = inputs_digest()
    if fitting := shipped(digest):
        return fitting
    folder = state_dir.resolve() / "assembly" / digest
    if not folder.exists():
        _synthesize(folder)
    return _read(folder)


def shipped(digest: str) -> dict[str, str]:
    """The templates that come with the sources; none if they were made from anything but these."""
    if not SHIPPED.exists():
        return {}
    found = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    return found["templates"] if found["inputs"] == digest else {}


def ship() -> None:
    """Make anew what comes with the sources, unless it fits."""
    if shipped(digest := inputs_digest()):
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "assembly" / digest
        _synthesize(folder)
        content = json.dumps({"inputs": digest, "templates": _read(folder)})
    SHIPPED.write_bytes(gzip.compress(content.encode(), mtime=0))


def _read(folder: Path) -> dict[str, str]:
    return {stack: (folder / f"{stack}.template.json").read_text() for stack in STACKS}


def inputs_digest() -> str:
    """Names everything that decides the templates: the app's own modules, settings, the libraries that render them."""
    settings = msgspec.json.encode(settings_of(LOCAL)).decode()
    makers = (f"{name}=={version(name)}" for name in MAKERS)
    return sources.digest(sources.closure(["infra.app"]), settings, *makers)[:32]


def _synthesize(folder: Path) -> None:
    """Puts a complete assembly into `folder`, and removes the older ones beside it."""
    with tempfile.TemporaryDirectory(dir=folder.parents[1]) as scratch:
        output = Path(scratch) / "cdk.out"
        app = subprocess.run(
            [sys.executable, "-m", "infra.app"],
            cwd=sources.PROJECT_ROOT,
            env=toolchain.environment(
                CDK_OUTDIR=str(output), CDK_CONTEXT_JSON=json.dumps({"stage": LOCAL}), **{CHOSEN: str(stages_file())}
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        if app.returncode != 0:
            raise SynthesisError(f"The CDK app could not be synthesized:\n{app.stderr or app.stdout}")
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.parent.mkdir()
        output.rename(folder)


if __name__ == "__main__":
    ship()
