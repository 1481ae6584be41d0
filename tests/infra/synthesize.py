"""Synthesizes every stage into folders below the one given: run in a child, as it takes a while.

The packages are stand-ins, so that no test here needs a package registry.
"""

import sys
from pathlib import Path

from infra.app import add_stage, make_app
from infra.github import GitHub
from infra.settings import STAGES
from tests.infra.otherwise import OTHERWISE
from workflow.limits import FUNCTIONS


def main(output: Path) -> None:
    for settings in (*STAGES.values(), OTHERWISE):
        app = make_app(str(output / settings.stage))
        add_stage(app, settings, None if settings.from_source else stand_ins(output))
        app.synth()
    app = make_app(str(output / "github"))
    GitHub(app, "owner/name", ["local", "prod"])
    app.synth()


def stand_ins(output: Path) -> dict[str, Path]:
    packages = {task: output / "packages" / task for task in FUNCTIONS}
    for task, package in packages.items():
        package.mkdir(parents=True, exist_ok=True)
        (package / "handler.py").write_text(f"# {task}\n")
    return packages


if __name__ == "__main__":
    main(Path(sys.argv[1]))
