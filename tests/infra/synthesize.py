"""Synthesizes every stage into folders below the one given, and `changed`: dev with other code and other settings.

The packages are stand-ins, so that no test here needs a package registry.
"""

import sys
from pathlib import Path

from infra.app import add_stage, make_app
from infra.github import GitHub
from infra.stages.settings import Settings
from tests.infra.variants import STAGES, UNUSUAL, changed
from workflow.limits import FUNCTIONS

COMMIT = "1a2b3c4"


def main(output: Path) -> None:
    packages = stand_ins(output / "packages")
    for settings in (*STAGES.values(), UNUSUAL):
        synthesize(output / settings.stage, settings, None if settings.from_source else packages)
    other_packages = stand_ins(output / "changed-packages", notify="# another notify")
    other_settings = changed(STAGES["dev"], files={"rendition_formats": ["jpeg"]})
    synthesize(output / "changed", other_settings, other_packages, COMMIT)
    app = make_app(str(output / "github"))
    GitHub(app, "owner/name", ["local", "prod"])
    app.synth()


def synthesize(folder: Path, settings: Settings, packages: dict[str, Path] | None, revision: str | None = None) -> None:
    app = make_app(str(folder))
    add_stage(app, settings, packages, revision)
    app.synth()


def stand_ins(folder: Path, **code: str) -> dict[str, Path]:
    packages = {function: folder / function for function in FUNCTIONS}
    for function, package in packages.items():
        package.mkdir(parents=True, exist_ok=True)
        (package / "handler.py").write_text(code.get(function, f"# {function}\n"))
    return packages


if __name__ == "__main__":
    main(Path(sys.argv[1]))
