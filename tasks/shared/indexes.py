"""The table's indexes: name, partition key, sort key. Each holds whole records, sorted by when something happened."""

from collections.abc import Mapping
from types import MappingProxyType

INDEXES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "by_status": ("status", "updated_at"),
        "by_kind": ("kind", "updated_at"),
        "by_key": ("object_key", "upload_order"),
        "by_content": ("sha256", "created_at"),
    }
)
