"""Which version of a key is current: the newest by S3's sequencer, or by time where it has none."""

from dataclasses import dataclass

from tasks.shared.records.model import Item
from tasks.shared.records.table import Table
from workflow.shapes import Asset


@dataclass(frozen=True)
class Current:
    """From a key to the asset of its current version."""

    table: Table

    def advance(self, asset: Asset) -> bool:
        """Make this the current version of its key unless a newer one is. Sequencers decide where both have one."""
        values = {"asset_id": asset.id, "version_id": asset.version_id, "last_modified": asset.last_modified}
        key = _key(asset.bucket, asset.key)
        newer = "attribute_not_exists(pk) OR asset_id = :asset_id OR "
        if asset.sequencer:
            order = _comparable(asset.sequencer)
            return self.table.set(
                key,
                {**values, "sequencer": order},
                newer + "sequencer < :order OR (attribute_not_exists(sequencer) AND last_modified <= :last_modified)",
                {":asset_id": asset.id, ":order": order, ":last_modified": asset.last_modified},
            )
        return self.table.set(
            key,
            values,
            newer + "last_modified < :last_modified",
            {":asset_id": asset.id, ":last_modified": asset.last_modified},
            remove=("sequencer",),
        )

    def of_key(self, bucket: str, key: str) -> str | None:
        """The asset id of a key's current version."""
        item = self.table.get(_key(bucket, key))
        return item["asset_id"] if item else None


def upload_order(asset: Asset) -> str:
    """Sorts the versions of a key as they were uploaded: S3's clock tells seconds, its sequencer the rest."""
    return f"{asset.last_modified}#{_comparable(asset.sequencer or '')}"


def _comparable(sequencer: str) -> str:
    """S3 compares sequencers as hexadecimal numbers, the shorter one padded with zeros on the right."""
    return sequencer.upper().ljust(64, "0")


def _key(bucket: str, key: str) -> Item:
    return {"pk": f"key#{bucket}/{key}", "sk": "current"}
