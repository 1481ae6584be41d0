"""The stages there are: those of the user's file, or else those of ours. The laptop's is always there."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from infra.stages.nearest import nearest, working_folder
from infra.stages.read import SettingsError, make, read
from infra.stages.settings import Settings
from workflow.names import LOCAL

BUILT_IN = Path(__file__).with_name("stages.toml")
NAME = "stages.toml"
CHOSEN = "SLUICE_STAGES_FILE"
"""An environment variable with the file's path: for programs that do not run in its folder."""


def stages_file() -> Path:
    """The one that is chosen, else the one in the folder or the nearest one above, as with the state; else ours."""
    if chosen := os.environ.get(CHOSEN):
        return Path(chosen).resolve()
    return nearest(NAME, working_folder(), Path.is_file) or BUILT_IN


@cache
def built_in() -> Mapping[str, Settings]:
    """Ours."""
    return read(BUILT_IN.read_text(), NAME)


def stages() -> Mapping[str, Settings]:
    """Each stage's settings, by its name."""
    file = stages_file()
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{file} cannot be read: {exc}") from exc
    local = built_in()[LOCAL]
    return {LOCAL: local} | read(text, str(file), unsaid=[_kept(local)])


def _kept(local: Settings) -> Settings:
    """What holds for the laptop's stage unless its own table says otherwise: an old table stays one that lists find."""
    return make(local.stage, {"storage": {"old_indexes": local.storage.old_indexes}})


def settings_of(stage: str) -> Settings:
    """The settings of a stage, or an error that names the stages there are."""
    found = stages()
    if stage not in found:
        raise SettingsError(f"There is no stage {stage!r}; the stages are {', '.join(found)}, by {stages_file()}.")
    return found[stage]
