"""Which asset an execution is about, and where its original is now: in ingest, archive or quarantine."""

from dataclasses import dataclass
from typing import Any

from tasks.shared.naming import DEPTH, PARENT, asset_id, asset_of_original, original_key
from tasks.shared.objects import ObjectFacts, Objects
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Record
from workflow.errors import InputError, ObjectNotFound
from workflow.glacier import is_frozen
from workflow.shapes import Asset, ExecutionInput, Pointer


@dataclass(frozen=True)
class Places:
    """The buckets that may hold an original. What comes in is uploaded to `ingest`, or unpacked to `expanded`."""

    ingest: str
    expanded: str
    archive: str
    quarantine: str


@dataclass(frozen=True)
class _Identity:
    """One version of one uploaded object; what the asset id is made of."""

    bucket: str
    key: str
    version_id: str

    @property
    def id(self) -> str:
        return asset_id(self.bucket, self.key, self.version_id)


def locate(wanted: ExecutionInput, places: Places, objects: Objects, records: Records) -> Asset:
    """The asset and its original; raises InputError for a foreign bucket and ObjectNotFound where there is nothing."""
    identity, record = _identify(wanted, places, objects, records)
    facts = _find(identity, places, objects)
    if facts is None:
        raise _not_found(wanted)
    if is_frozen(facts.at.storage_class) and not facts.restored:
        raise InputError(
            f"The original s3://{facts.at.bucket}/{facts.at.key} is in {facts.at.storage_class} and cannot be read. "
            f"`sluice restore {identity.id}` restores it, and processes it then."
        )
    return Asset(
        id=identity.id,
        bucket=identity.bucket,
        key=identity.key,
        version_id=identity.version_id,
        size=facts.size,
        etag=facts.etag,
        last_modified=record.last_modified if record else facts.last_modified,
        kind="",
        media_type="",
        source=facts.at,
        declared_type=facts.content_type,
        sequencer=wanted.sequencer or (record.sequencer if record else None),
        **(_lineage(facts) if identity.bucket == places.expanded else {}),
    )


def _lineage(facts: ObjectFacts) -> dict[str, Any]:
    """Where a file out of an archive came from, as whoever unpacked it wrote beside it."""
    written: dict[str, str] = facts.metadata.get("Metadata", {})
    return {"parent": written.get(PARENT), "depth": int(written.get(DEPTH, "0"))}


def _identify(
    wanted: ExecutionInput, places: Places, objects: Objects, records: Records
) -> tuple[_Identity, Record | None]:
    if wanted.bucket in {places.archive, places.quarantine}:
        return _from_record(records.assets.get(asset_of_original(wanted.key) or ""), wanted)
    if wanted.bucket not in {places.ingest, places.expanded}:
        raise InputError(
            f"The bucket {wanted.bucket} is not one of ours. Name the ingest bucket {places.ingest}, "
            f"the archive {places.archive} or the quarantine {places.quarantine}."
        )
    version_id = wanted.version_id or _newest_version(wanted, objects)
    if version_id is None:
        return _from_record(records.assets.newest_of_key(wanted.bucket, wanted.key), wanted)
    identity = _Identity(wanted.bucket, wanted.key, version_id)
    return identity, records.assets.get(identity.id)


def _newest_version(wanted: ExecutionInput, objects: Objects) -> str | None:
    facts = objects.head(Pointer(bucket=wanted.bucket, key=wanted.key))
    return facts.at.version_id if facts else None


def _from_record(record: Record | None, wanted: ExecutionInput) -> tuple[_Identity, Record]:
    if record is None:
        raise _not_found(wanted)
    return _Identity(record.bucket, record.key, record.version_id), record


def _find(identity: _Identity, places: Places, objects: Objects) -> ObjectFacts | None:
    """In two places during a move, which ends in the archive: whoever works on it again finishes the move."""
    kept_as = original_key(identity.key, identity.id)
    candidates = (
        Pointer(bucket=identity.bucket, key=identity.key, version_id=identity.version_id),
        Pointer(bucket=places.quarantine, key=kept_as),
        Pointer(bucket=places.archive, key=kept_as),
    )
    return next((facts for facts in map(objects.head, candidates) if facts), None)


def _not_found(wanted: ExecutionInput) -> ObjectNotFound:
    version = f" (version {wanted.version_id})" if wanted.version_id else ""
    return ObjectNotFound(
        f"There is no object {wanted.key!r}{version} in {wanted.bucket}, and no earlier asset of that name in archive "
        "or quarantine. Check the key (raw, not URL-encoded) and the version, then start again."
    )
