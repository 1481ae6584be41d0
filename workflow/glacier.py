"""Originals that are too cold to be read: which ones, and how long S3 takes to restore them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Tier(StrEnum):
    """S3's retrieval tiers, by speed and price."""

    STANDARD = "Standard"
    BULK = "Bulk"
    EXPEDITED = "Expedited"


RETRIEVALS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "GLACIER": {
            Tier.EXPEDITED: "1 to 5 minutes",
            Tier.STANDARD: "3 to 5 hours",
            Tier.BULK: "5 to 12 hours",
        },
        "DEEP_ARCHIVE": {Tier.STANDARD: "up to 12 hours", Tier.BULK: "up to 48 hours"},
    }
)
"""How long each tier takes, by storage class: AmazonS3/latest/userguide/restoring-objects-retrieval-options.html"""


def is_frozen(storage_class: str) -> bool:
    """Whether an original of this class must be restored before it can be read."""
    return storage_class in RETRIEVALS
