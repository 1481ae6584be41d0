"""Unpacks what was in an archive into the way in: each file becomes an asset of its own, that knows where it was."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from tasks.shared.naming import DEPTH, PARENT, child_key
from tasks.shared.objects import Objects
from tasks.shared.records.adapter import Records
from workflow.shapes import Asset


class Member(Protocol):
    """A file in an archive. `name` has no way out of its folder; the content is checked while it is copied."""

    @property
    def name(self) -> str: ...

    def copy_to(self, file: BinaryIO) -> None: ...


@dataclass(frozen=True)
class WayIn:
    """The bucket that starts executions as the ingest bucket does, and that only archives are unpacked to."""

    bucket: str
    objects: Objects
    records: Records

    def expand(self, archive: Asset, members: Iterable[Member], scratch: Path) -> int:
        """Put each member there once, however often this is repeated; the number of members."""
        lineage = {PARENT: archive.id, DEPTH: str(archive.depth + 1)}
        keys = [self._take_in(archive, member, lineage, scratch / "member") for member in members]
        return len(keys)

    def _take_in(self, archive: Asset, member: Member, lineage: dict[str, str], unpacked: Path) -> str:
        key = child_key(archive.key, archive.id, member.name)
        if not self.records.assets.is_known(self.bucket, key):
            self._put(member, key, lineage, unpacked)
        return key

    def _put(self, member: Member, key: str, lineage: dict[str, str], unpacked: Path) -> None:
        with unpacked.open("wb") as file:
            member.copy_to(file)
        self.objects.put_new(self.bucket, key, unpacked, lineage)
        unpacked.unlink()
