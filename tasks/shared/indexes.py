"""The table's indexes: under which attributes a record is filed, and in how many parts.

They hold keys only, so that what changes in a record and not in its place costs them nothing; who lists reads the
records themselves. What all records of a time would share is split into shards, as one partition of DynamoDB takes no
more than 1,000 writes a second. docs/decisions/0006-indexes.md has the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zlib import crc32

SHARDS = 4
"""May grow: readers ask all of them. What was filed before stays where it is. It never shrinks."""


@dataclass(frozen=True)
class Index:
    """`name` is what it is called in DynamoDB, `shards_of` the attribute whose values its partitions are shards of."""

    name: str
    partition: str
    sort: str
    shards_of: str | None = None

    def partitions(self, value: str) -> list[str]:
        """Where all that has a value is."""
        return [_in_shard(value, shard) for shard in range(SHARDS)] if self.shards_of else [value]


INDEXES: Mapping[str, Index] = MappingProxyType(
    {
        "by_status": Index("by_status_2", "status_shard", "updated_at", "status"),
        "by_kind": Index("by_kind_2", "kind_shard", "updated_at", "kind"),
        "by_key": Index("by_key_2", "object_key", "upload_order"),
        "by_content": Index("by_content_2", "content", "created_at"),
    }
)
OLD_INDEXES: Mapping[str, Index] = MappingProxyType(
    {
        "by_status": Index("by_status", "status", "updated_at"),
        "by_kind": Index("by_kind", "kind", "updated_at"),
        "by_key": Index("by_key", "object_key", "upload_order"),
        "by_content": Index("by_content", "sha256", "created_at"),
    }
)
"""Of the table's first layout, with whole records: in stages that are on their way from it."""

FILED = ("status_shard", "kind_shard", "content")
"""Attributes of a record that only say where it is filed."""


def filed(record: Mapping[str, Any]) -> dict[str, str]:
    """These attributes of a record, by what it says. By content, only what others may take over: by a known recipe.

    While it is processed, its kind is the one of an earlier attempt, or not known yet.
    """
    shard = crc32(record["asset_id"].encode()) % SHARDS
    places = {"status_shard": _in_shard(record["status"], shard)}
    if record.get("kind"):
        places["kind_shard"] = _in_shard(record["kind"], shard)
    sha256, recipe = record.get("sha256"), record.get("recipe")
    if record["status"] == "succeeded" and sha256 and recipe and not record.get("reused_from"):
        places["content"] = content(sha256, recipe)
    return places


def content(sha256: str, recipe: str) -> str:
    """By what the same content is found, as far as the same was made of it."""
    return f"{sha256}#{recipe}"


def _in_shard(value: str, shard: int) -> str:
    return f"{value}#{shard}"
