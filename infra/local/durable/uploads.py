"""S3's multipart uploads: what is known of each is a row, the bytes of each part are a file.

The emulator has both in memory alone: a kill ends every upload under way, and a large one takes its size in memory. AWS
keeps parts until the upload is completed or aborted, and goes on answering a repeated completion as it did the first.
"""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.store import Change, decode, key_of
from infra.local.ministack import persistence, s3

UPLOADS = "s3/uploads"
COMPLETED = "s3/completed_uploads"


class Part(dict[str, Any]):
    """What is known of a part; its `body` is read from the file."""

    def __init__(self, facts: dict[str, Any], file: Path) -> None:
        super().__init__(facts)
        self._file = file

    def __getitem__(self, name: str) -> Any:
        return self._file.read_bytes() if name == "body" else super().__getitem__(name)


class Parts(dict[int, dict[str, Any]]):
    """An upload's parts by number. One that is sent again has a file of its own, so that each fits its row."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __setitem__(self, number: int, part: dict[str, Any]) -> None:
        facts = {name: value for name, value in part.items() if name != "body"}
        file = self._file(number, facts)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = file.with_name(uuid.uuid4().hex)
        unfinished.write_bytes(part["body"])
        unfinished.replace(file)
        super().__setitem__(number, Part(facts, file))

    def stored(self, number: int, facts: dict[str, Any]) -> None:
        """Its file is there."""
        super().__setitem__(number, Part(facts, self._file(number, facts)))

    def _file(self, number: int, facts: dict[str, Any]) -> Path:
        etag = facts["etag"].strip('"')
        return self.folder / f"{number}-{etag}"


class Uploads(Entries):
    """The uploads under way, and the answers to those that were completed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._folder = Path(persistence.STATE_DIR) / "parts"
        self._gone: set[Path] = set()
        super().__init__(UPLOADS, s3._multipart_uploads, journal, upload_itself)
        Entries(COMPLETED, s3._completed_multipart_uploads, journal)
        journal.after.append(self._remove)

    def restore(self) -> None:
        for key, upload in self._rows(UPLOADS):
            parts = Parts(self._folder / key[1])
            for number, facts in upload["parts"].items():
                parts.stored(int(number), facts)
            self._data[key] = upload | {"parts": parts}
        known = {upload["parts"].folder for upload in dict(self._data).values()}
        self._gone |= set(self._folder.glob("*")) - known
        for key, completed in self._rows(COMPLETED):
            s3._completed_multipart_uploads._data[key] = completed | {"response": tuple(completed["response"])}

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        """An upload is saved before its id is told: no part comes before it has a place for parts."""
        for key in keys:
            upload, folder = self._data.peek(key), self._folder / key[1]
            if upload is GONE:
                self._gone.add(folder)
            elif not isinstance(upload["parts"], Parts):
                upload["parts"] = Parts(folder)
        yield from super().changes(keys)

    def _rows(self, area: str) -> Iterator[tuple[Any, dict[str, Any]]]:
        for text, row in self._journal.store.texts(area):
            self._journal.known(area, text, row)
            yield key_of(text), decode(row)

    def _remove(self) -> None:
        gone, self._gone = self._gone, set()
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)


def upload_itself(upload: dict[str, Any]) -> dict[str, Any]:
    return {**upload, "parts": dict(upload["parts"])}
