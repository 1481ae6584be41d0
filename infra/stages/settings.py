"""The settings of a stage: all topics, each of which stands beside the constructs that read it.

The subjects' own `settings` modules are all that this package may import from above it.
"""

from collections.abc import Iterator

import msgspec

from infra.functions.settings import FunctionSettings
from infra.observability.settings import ObservabilitySettings
from infra.pipeline.settings import AuditTrailSettings, FileSettings, SweeperSettings
from infra.release.settings import Rollout
from infra.security.settings import SecuritySettings
from infra.storage.settings import ArchiveSettings, StorageSettings
from infra.ways_in.settings import WaysInSettings
from infra.ways_out.settings import WaysOutSettings
from workflow.names import LOCAL


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One stage, which is called `stage`. Everything else is the same template."""

    stage: str
    files: FileSettings = FileSettings()
    storage: StorageSettings = StorageSettings()
    archive: ArchiveSettings = ArchiveSettings()
    audit_trail: AuditTrailSettings = AuditTrailSettings()
    ways_in: WaysInSettings = WaysInSettings()
    ways_out: WaysOutSettings = WaysOutSettings()
    functions: FunctionSettings = FunctionSettings()
    sweeper: SweeperSettings = SweeperSettings()
    rollout: Rollout = Rollout()
    observability: ObservabilitySettings = ObservabilitySettings()
    security: SecuritySettings = SecuritySettings()

    @property
    def from_source(self) -> bool:
        """Whether functions run from the source tree instead of from packages: on the embedded AWS only."""
        return self.stage == LOCAL

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """What does not fit together across topics: topic, field, and what is wrong with it."""
        if self.archive.lock_days and self.archive.lock_mode == "compliance" and not self.storage.retain_data:
            yield "archive", "lock_mode", "'compliance' needs storage.retain_data: nobody can end such a lock early"
        if self.files.big_files and self.from_source:
            yield "files", "big_files", "need containers, which the embedded AWS does not run"
        for field, problem in self.ways_out.address_problems(on_a_laptop=self.from_source):
            yield "ways_out", field, problem
