"""Names that follow from an asset: its id and the keys of everything that is kept of it.

Nothing here is looked up or drawn at random, so that every repeat of a step writes to the same place.
"""

import hashlib
import re

from workflow.kinds import MAX_KEY_BYTES, MAX_NAME_BYTES

WORK = "work/"
"""Where the output bucket has parts of renditions on their way; they expire."""

_ASSET_ID = re.compile(r"(?:^|/)([0-9a-f]{32})/[^/]+$")


PARENT, DEPTH = "sluice-parent", "sluice-depth"
"""Metadata of an object that came out of an archive: the archive's asset id, and how many archives it was in."""


def asset_id(bucket: str, key: str, version_id: str) -> str:
    """The first 32 hex digits of SHA-256 over bucket, key and version id."""
    return hashlib.sha256(f"{bucket}\0{key}\0{version_id}".encode()).hexdigest()[:32]


def renditions_folder(asset: str, recipe: str) -> str:
    """Of each recipe its own: what another asset reuses is never overwritten by other bytes."""
    return f"renditions/{asset}/{recipe}"


def thumbnails_folder(asset: str, recipe: str) -> str:
    return f"thumbnails/{asset}/{recipe}"


def technical_key(asset: str) -> str:
    return f"metadata/{asset}/technical.json"


def sidecar_key(asset: str) -> str:
    return f"metadata/{asset}/sidecar.json"


def original_key(key: str, asset: str) -> str:
    """Where archive and quarantine keep the original: beside its old neighbours, in a folder named by its id.

    photos/cat.jpg → photos/<id>/cat.jpg. Over-long keys lose their folders, over-long names their beginning,
    so that the result always fits S3's 1,024 bytes; the whole key stays in the record.
    """
    folder, _, name = key.rstrip("/").rpartition("/")
    name = _last_bytes(name, MAX_NAME_BYTES) or "unnamed"
    fits = len(key.encode()) <= MAX_KEY_BYTES
    return f"{folder}/{asset}/{name}" if folder and fits else f"{asset}/{name}"


def asset_of_original(key: str) -> str | None:
    """The asset id in a key that `original_key` made, or None."""
    match = _ASSET_ID.search(key)
    return match.group(1) if match else None


def child_key(key: str, asset: str, member: str) -> str:
    """Where a file out of an archive comes in: trip.zip, a/b.jpg → <id>/trip.zip/a/b.jpg."""
    return f"{original_key(key, asset)}/{member}"


def part_key(asset: str, recipe: str, part: str) -> str:
    """A part of a rendition on its way."""
    return f"{WORK}{asset}/{recipe}/{part}"


def outcome_key(asset: str, execution: str) -> str:
    """What a container has to tell the execution that it worked for."""
    return f"{WORK}{asset}/outcomes/{execution}.json"


def reason_key(original: str) -> str:
    """The sidecar that says why an original was quarantined."""
    return f"{original}.reason.json"


def batch_key(batch: str, file: str) -> str:
    """Where the operations bucket keeps what belongs to a bulk reprocess."""
    return f"reprocess/{batch}/{file}"


def _last_bytes(text: str, limit: int) -> str:
    return text.encode()[-limit:].decode(errors="ignore")
