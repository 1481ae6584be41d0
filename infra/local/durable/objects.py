"""S3's objects: what is known of each is a row, its bytes are a file.

The emulator keeps the facts in a second file beside the bytes and reads them all when it starts: 4 KB of disk for each
object, and a start that takes longer with every one. It also keeps the bytes in memory. As bytes and facts cannot
change at one moment,
 * a write is announced in the store before it begins: at the next start, bytes that were replaced without a word are
   put back from where the emulator put them aside, or taken for what they are;
 * files are removed once the store knows that their objects are gone.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.shelf import Lending, Memory
from infra.local.durable.store import Change, encode, key_of, key_text
from infra.local.durable.uploads import Uploads
from infra.local.ministack import responses, s3

OBJECTS = "s3/objects"
WRITES = "s3/writes"
RESTORES = "s3/restores"
BY_VERSION = ("versions", "tags", "acl", "annotations", "retention", "legal_hold")
"""What the emulator has in dictionaries of all buckets' objects together."""

Bucket = dict[str, Any]
Record = dict[str, Any]
BucketKey = tuple[str, str]
"""Account and name."""


class Facts(Lending):
    """What is known of objects, without their bytes."""

    def _text(self, value: Any) -> str:
        if isinstance(value, list):
            return encode([_without_bytes(each) for each in cast("list[Record]", value)])
        return encode(_without_bytes(cast("Record", value)) if isinstance(value, dict) else value)


class Objects(Facts):
    """A bucket's objects. Those that are being restored have a row more, so that a start finds them."""

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        yield from super().changes(keys)
        for key in keys:
            value = self.peek(key)
            if isinstance(value, dict) and "restore" in value:
                yield RESTORES, self._row_key(key), encode(True)


class Buckets(Entries):
    """The buckets, each without its objects, which are on a shelf."""

    def __init__(self, journal: Journal, memory: Memory) -> None:
        self._journal = journal
        self._memory = memory
        self._objects: dict[BucketKey, Objects] = {}
        self._files = Files(journal)
        self._uploads = Uploads(journal)
        if not journal.store.areas("s3"):
            s3._load_persisted_data()
        for name in BY_VERSION:
            container, facts = getattr(s3, f"_object_{name}"), Facts(f"s3/object_{name}", (), journal, memory)
            facts.stored(key for (key,) in journal.store.keys(f"s3/object_{name}"))
            facts.update(container._data)
            container._data = facts
        super().__init__("s3/buckets_meta", s3._buckets, journal, bucket_itself)

    def restore(self) -> None:
        """Buckets that were loaded have their objects in the store."""
        for key in list(self._data):
            self._adopt(key, self._data.peek(key))
        for account, bucket, key in self._journal.store.keys(OBJECTS):
            if (objects := self._objects.get((account, bucket))) is not None:
                objects.stored([key])
        for text, record in self._journal.store.values(WRITES):
            account, bucket, key = key_of(text)
            if (objects := self._objects.get((account, bucket))) is not None:
                settle_write(account, bucket, key, objects, record)
            self._files.written(text)
        self._uploads.restore()
        for account, bucket, key in self._journal.store.keys(RESTORES):
            self._go_on_restoring(account, bucket, key)

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            self._adopt(key, self._data.peek(key))
        yield from super().changes(keys)

    def _adopt(self, key: BucketKey, bucket: Bucket) -> None:
        if bucket is GONE:
            self._objects.pop(key, Objects(OBJECTS, key, self._journal, self._memory)).clear()
        elif not isinstance(bucket["objects"], Objects):
            objects = self._objects.setdefault(key, Objects(OBJECTS, key, self._journal, self._memory))
            objects.update(bucket["objects"])
            bucket["objects"] = objects

    def _go_on_restoring(self, account: str, bucket: str, key: str) -> None:
        """The emulator's timers ended with its process."""
        objects = self._objects.get((account, bucket))
        record: Record | None = objects.get(key) if objects is not None else None
        if record is not None and (restore := record.get("restore")):
            with responses.request_scope(account, self._data.peek((account, bucket)).get("region") or s3.get_region()):
                if not restore.get("completed_fired"):
                    s3._schedule_restore_completed(bucket, key, restore["requested_at"])
                s3._schedule_restore_expiry(bucket, key, restore["expires_at"])


class Files:
    """Writes and removes the files of objects, in step with the store. A part of the journal: its keys are rows."""

    compared = False

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._removals = Removals(journal)
        self._write: Callable[..., None] = s3._atomic_write
        s3._atomic_write = self.write
        s3._persist_object = self.persist
        s3._persist_delete_marker = nothing_more_to_write
        s3._remove_key_files = self._removals.add
        s3._delete_version_file = self.remove_version

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        return ((WRITES, key, None) for key in keys)

    def written(self, row: str) -> None:
        """The announcement goes together with the facts."""
        self._journal.touch(self, row)

    def write(self, path: str, data: bytes, **options: Any) -> None:
        self._removals.withdraw(path)
        self._write(path, data, **options)

    def persist(self, bucket: str, key: str, record: Record) -> None:
        if record.get("body") is not None:
            path, row = s3._object_disk_path(bucket, key), key_text([s3.get_account_id(), bucket, key])
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._journal.store.write([(WRITES, row, encode(_without_bytes(record)))])
            self.write(path, record["body"])
            self.written(row)
        record["body"] = None
        for version in s3._object_versions.get((bucket, key), []):
            version["data"] = None

    def remove_version(self, bucket: str, key: str, version: str) -> None:
        self._removals.add(s3._version_disk_path(bucket, key, version))


class Removals:
    """Files that go once what is known of their objects is gone. A part of the journal: its keys are paths."""

    compared = False

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._due: set[str] = set()
        self._committed: set[str] = set()
        journal.after.append(self._remove)

    def add(self, path: str | None) -> None:
        if path is not None:
            self._due.add(path)
            self._journal.touch(self, path)

    def withdraw(self, path: str) -> None:
        """There is another object at that place."""
        self._due.discard(path)

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        self._committed |= keys
        return iter(())

    def _remove(self) -> None:
        committed, self._committed = self._committed, set()
        for path in committed & self._due:
            self._due.discard(path)
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)  # noqa: PTH107 - the emulator's paths are text


def settle_write(account: str, bucket: str, key: str, objects: Objects, written: Record) -> None:
    """After a crash: no version may have another one's bytes."""
    path = Path(s3._object_disk_path(bucket, key, account))
    known: Record | None = objects.get(key)
    if known is None:
        path.unlink(missing_ok=True)
        return
    version = known.get("version_id") or "null"
    if (known["etag"], known.get("version_id")) == (written["etag"], written.get("version_id")):
        return
    if s3._version_file_exists(bucket, key, version, account):
        put_back(s3._version_disk_path(bucket, key, version, account), path)
    elif is_content(path, written):
        objects[key] = written


def put_back(kept_aside: str, path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.tmp")
    shutil.copyfile(kept_aside, unfinished)
    unfinished.replace(path)


def is_content(path: Path, record: Record) -> bool:
    """The file has the record's bytes: as its ETag says, or its size where that is of several parts."""
    etag = record["etag"].strip('"')
    if not path.exists() or path.stat().st_size != record["size"]:
        return False
    with path.open("rb") as file:
        return "-" in etag or hashlib.file_digest(file, "md5").hexdigest() == etag


def nothing_more_to_write(*_object: Any) -> None:
    """The store has it."""


def _without_bytes(record: Record) -> Record:
    return {name: None if name in ("body", "data") else value for name, value in record.items()}


def bucket_itself(bucket: Bucket) -> Bucket:
    return {name: value for name, value in bucket.items() if name != "objects"}
