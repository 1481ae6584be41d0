"""Finds the records that a person means, by name, list, place or what the table's indexes know; streams them."""

import csv
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from tasks.shared.batched import batched
from tasks.shared.naming import asset_id, asset_of_original
from tasks.shared.objects import Objects
from tasks.shared.records.model import Record
from tasks.shared.records.table import BATCH_GET_MAX_KEYS
from workflow.glacier import is_frozen
from workflow.operator.client import Sluice
from workflow.operator.operations import NotPossibleError
from workflow.operator.stack import NotThereError

ENDED = ("failed", "rejected", "succeeded")
"""What is selected where no status is named: what is at work will end, what was discarded has no original."""
HEADS_AT_ONCE = 16
MANIFEST_COLUMNS = "asset_id, or bucket, key and version_id"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """All that is given must hold. `refs` are asset ids and s3:// addresses, `manifest` is a CSV file of assets.

    `prefix` is of the key as uploaded, `code` an error or a reject code, `since` is compared with the last change.
    """

    refs: tuple[str, ...] = ()
    manifest: Path | None = None
    prefix: str | None = None
    status: str | None = None
    kind: str | None = None
    code: str | None = None
    since: datetime | None = None
    everything: bool = False

    @property
    def is_empty(self) -> bool:
        return self == Selection()

    @property
    def updated_since(self) -> str:
        return self.since.isoformat() if self.since else ""

    def takes(self, record: Record) -> bool:
        return (
            self.status in {None, record.status}
            and self.kind in {None, record.kind}
            and self.code in {None, record.code}
            and record.key.startswith(self.prefix or "")
            and record.updated_at >= self.updated_since
        )


def select(sluice: Sluice, selection: Selection) -> Iterator[Record]:
    """The records, each once; an empty selection is a mistake and not everything."""
    if selection.is_empty:
        raise NotPossibleError("Nothing is selected. Name assets or a filter; --all means every asset that has ended.")
    return filter(selection.takes, _candidates(sluice, selection))


def _candidates(sluice: Sluice, selection: Selection) -> Iterator[Record]:
    if selection.refs:
        return (sluice.record(ref) for ref in dict.fromkeys(selection.refs))
    if selection.manifest:
        return _records(sluice, dict.fromkeys(_listed(selection.manifest)))
    if selection.prefix:
        return _ended(_below(sluice, selection.prefix), selection)
    return _indexed(sluice, selection)


def _indexed(sluice: Sluice, selection: Selection) -> Iterator[Record]:
    """By status where it is known, as most assets are of one kind; reasons are only with what did not succeed."""
    since = selection.updated_since
    if selection.kind and not selection.status and not selection.code:
        return _ended(sluice.records.assets.newest("by_kind", selection.kind, since=since), selection)
    statuses = (selection.status,) if selection.status else ENDED[:2] if selection.code else ENDED
    return (record for each in statuses for record in sluice.records.assets.newest("by_status", each, since=since))


def _ended(records: Iterator[Record], selection: Selection) -> Iterator[Record]:
    return (record for record in records if selection.status or record.status in ENDED)


def _records(sluice: Sluice, asset_ids: Iterable[str]) -> Iterator[Record]:
    for ids in batched(asset_ids, BATCH_GET_MAX_KEYS):
        found = sluice.records.assets.many(dict.fromkeys(ids))
        yield from (found[each] for each in ids if each in found)


def _below(sluice: Sluice, prefix: str) -> Iterator[Record]:
    """Assets whose original is in a folder that the prefix can lead to: a prefix within a name waits for the record."""
    buckets = sluice.buckets
    for bucket in (buckets.ingest, buckets.expanded):
        uploaded = (asset_id(bucket, each["Key"], each["VersionId"]) for each in _versions(sluice, bucket, prefix))
        yield from _with_original_in(bucket, _records(sluice, uploaded))
    for bucket in (buckets.archive, buckets.quarantine):
        yield from _with_original_in(bucket, _records(sluice, _kept(sluice, bucket, prefix)))


def _kept(sluice: Sluice, bucket: str, prefix: str) -> Iterator[str]:
    """Asset ids in archive or quarantine: one stands between folder and name, and may have a reason beside it."""
    folder = prefix[: prefix.rfind("/") + 1]
    pages = sluice.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    keys = (item.get("Key", "") for page in pages for item in page.get("Contents", []))
    return (found for found, _ in groupby(map(asset_of_original, keys)) if found)


def _with_original_in(bucket: str, records: Iterator[Record]) -> Iterator[Record]:
    """Elsewhere is what a move has left, or is about to leave."""
    return (record for record in records if record.original.bucket == bucket)


def _versions(sluice: Sluice, bucket: str, prefix: str) -> Iterator[Any]:
    pages = sluice.aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    return (version for page in pages for version in page.get("Versions", []))


def _listed(manifest: Path) -> Iterator[str]:
    """Asset ids from a CSV file with a header; a report of an earlier batch is one."""
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                yield row.get("asset_id") or asset_id(row["bucket"], row["key"], row["version_id"])
    except FileNotFoundError as exc:
        raise NotThereError(f"There is no file {manifest}.") from exc
    except (KeyError, TypeError, csv.Error, UnicodeDecodeError) as exc:
        raise NotPossibleError(f"{manifest} has no header with the columns {MANIFEST_COLUMNS}.") from exc


class Readable:
    """Those of the records whose original can be read now; what must be restored first is kept in `frozen`.

    S3 is asked for each that is archived, as lifecycle rules and restores leave no trace in the table.
    """

    def __init__(self, sluice: Sluice, records: Iterable[Record]) -> None:
        self._objects = Objects(sluice.aws.s3)
        self._archive = sluice.buckets.archive
        self._records = records
        self.frozen: list[str] = []

    def __iter__(self) -> Iterator[Record]:
        with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
            for lot in batched(self._records, BATCH_GET_MAX_KEYS):
                for record, frozen in zip(lot, pool.map(self._is_frozen, lot), strict=True):
                    if frozen:
                        self.frozen.append(record.asset_id)
                    else:
                        yield record

    def _is_frozen(self, record: Record) -> bool:
        original = record.original
        found = self._objects.head(original) if original.bucket == self._archive else None
        return found is not None and is_frozen(found.at.storage_class) and not found.restored
