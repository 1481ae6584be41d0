"""Registers an asset's tables with Glue, where Athena, Spark and others find them.

A Glue table belongs to the uploaded key: it shows the newest version of it, and its name never changes.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tasks.shared.hive_types import hive_type
from tasks.shared.records.current import upload_order
from tasks.shared.records.model import GlueTable
from workflow.errors import TransientError
from workflow.shapes import Asset, MadeFile, Transformed

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import ColumnTypeDef, StorageDescriptorTypeDef, TableInputTypeDef

MAX_NAME_CHARS, DIGEST_CHARS = 200, 8
MAX_COLUMN_NAME_BYTES = 255
MAX_TOLD_COLUMNS, MAX_TOLD_CHARS = 8, 60

ORDER = "sluice_upload_order"

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_PART = re.compile(r"tables/[^/]+/(?P<folder>[^/=]+)=(?P<value>[^/]*)/data")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_NOT_IN_COLUMN_NAMES = re.compile(r"[\x00-\x1f,\ufffe\uffff]")
"""Glue takes no control characters, and Hive no comma."""


@dataclass(frozen=True)
class Partitions:
    """The folders of a table that was split: `<folder>=<value>`."""

    folder: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """One table of an asset, as it lies in the output bucket; `columns` have their type in DuckDB's words."""

    slug: str
    rows: int
    columns: Mapping[str, str]
    files: tuple[MadeFile, ...]

    @property
    def location(self) -> str:
        """Where its files are, and nothing else."""
        folder, within, _ = self.files[0].key.partition(f"/tables/{self.slug}/")
        return f"s3://{self.files[0].bucket}/{folder}{within}"

    @property
    def partitions(self) -> Partitions | None:
        parts = [found for file in self.files if (found := _PART.fullmatch(file.name))]
        return Partitions(parts[0]["folder"], tuple(part["value"] for part in parts)) if parts else None

    @property
    def readable(self) -> "list[ColumnTypeDef]":
        """The columns that a Glue table can have; each is found in the files by its name, whatever its case."""
        return [{"Name": name.lower(), "Type": kind} for name, kind in self._hive_types() if kind]

    @property
    def left_out(self) -> list[str]:
        """The other columns: the first of them, cut."""
        names = [name for name, kind in self._hive_types() if not kind][:MAX_TOLD_COLUMNS]
        return [f"{name[:MAX_TOLD_CHARS]}: {self.columns[name][:MAX_TOLD_CHARS]}" for name in names]

    def _hive_types(self) -> Iterator[tuple[str, str | None]]:
        return ((name, hive_type(kind) if _is_column_name(name) else None) for name, kind in self.columns.items())


class TableFacts(msgspec.Struct, frozen=True):
    """What the technical dump of a table says of one of its tables: `columns` with their types in DuckDB's words."""

    rows: int
    columns: dict[str, str]


class TechnicalFacts(msgspec.Struct, frozen=True):
    """The technical dump of a table, as far as the catalog needs it."""

    tables: tuple[TableFacts, ...]


def datasets(made: Transformed, technical: TechnicalFacts) -> Iterator[Dataset]:
    """The tables that were made of an asset; the technical dump lists them in the order of their files."""
    files: dict[str, list[MadeFile]] = {}
    for file in made.renditions:
        if file.name.startswith("tables/"):
            files.setdefault(file.name.split("/")[1], []).append(file)
    for (slug, mine), table in zip(files.items(), technical.tables, strict=True):
        yield Dataset(slug, table.rows, table.columns, tuple(mine))


def table_name(bucket: str, key: str, slug: str) -> str:
    """sales/2026/orders.xlsx, first sheet → sales_2026_orders_xlsx_first_sheet_1f0e9c2b."""
    digest = hashlib.sha256(f"{bucket}\0{key}\0{slug}".encode()).hexdigest()[:DIGEST_CHARS]
    words, own = _words(key), _words(slug)
    words = words if own in words else f"{words}_{own}"
    return f"{words[DIGEST_CHARS + 1 - MAX_NAME_CHARS :].strip('_') or 'table'}_{digest}"


def glue_table(asset: Asset, dataset: Dataset) -> "TableInputTypeDef":
    """The external table that shows a dataset."""
    columns, partitions = dataset.readable, dataset.partitions
    key = _unused(_words(partitions.folder), {column["Name"] for column in columns}) if partitions else ""
    parameters = {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "numRows": str(dataset.rows),
        "totalSize": str(sum(file.bytes for file in dataset.files)),
        "sluice_asset": asset.id,
        "sluice_object": f"s3://{asset.bucket}/{asset.key}",
        ORDER: upload_order(asset),
    }
    return {
        "Name": table_name(asset.bucket, asset.key, dataset.slug),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters | (_projection(key, partitions, dataset.location) if partitions else {}),
        "PartitionKeys": [{"Name": key, "Type": "string"}] if partitions else [],
        "StorageDescriptor": _storage(columns, dataset.location),
    }


def _storage(columns: "list[ColumnTypeDef]", location: str) -> "StorageDescriptorTypeDef":
    return {
        "Columns": columns,
        "Location": location,
        "InputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe",
            "Parameters": {"serialization.format": "1"},
        },
    }


def _projection(key: str, partitions: Partitions, location: str) -> dict[str, str]:
    """Lets Athena work out the partitions by itself, so that none has to be registered."""
    return {
        "projection.enabled": "true",
        f"projection.{key}.type": "enum",
        f"projection.{key}.values": ",".join(partitions.values),
        "storage.location.template": f"{location}{partitions.folder}=${{{key}}}/",
    }


@dataclass(frozen=True)
class Catalog:
    """The Glue adapter, for one database."""

    glue: "GlueClient"
    database: str

    def register(self, asset: Asset, dataset: Dataset) -> GlueTable:
        """Let the key's Glue table show this asset's; its name, and the columns that it could not have."""
        told = GlueTable(table=dataset.slug, left_out=tuple(dataset.left_out))
        if not dataset.readable:
            return told
        table = glue_table(asset, dataset)
        try:
            self.glue.create_table(DatabaseName=self.database, TableInput=table)
        except self.glue.exceptions.AlreadyExistsException:
            self._replace(table)
        return replace(told, name=f"{self.database}.{table['Name']}")

    def _replace(self, table: "TableInputTypeDef") -> None:
        """Unless a newer version of the key got there first, between this asset's becoming current and now."""
        found = self.glue.get_table(DatabaseName=self.database, Name=table["Name"])["Table"]
        if found.get("Parameters", {}).get(ORDER, "") <= table.get("Parameters", {})[ORDER]:
            self._update(table, found.get("VersionId", ""))

    def _update(self, table: "TableInputTypeDef", version: str) -> None:
        try:
            self.glue.update_table(DatabaseName=self.database, TableInput=table, VersionId=version, SkipArchive=True)
        except self.glue.exceptions.ConcurrentModificationException as exc:
            raise TransientError(f"Another execution changed the Glue table {table['Name']}: {exc}") from exc


def _is_column_name(name: str) -> bool:
    return not _NOT_IN_COLUMN_NAMES.search(name) and len(name.lower().encode()) <= MAX_COLUMN_NAME_BYTES


def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_NAMES.sub("_", plain).strip("_")


def _unused(name: str, taken: set[str]) -> str:
    return name if name not in taken else _unused(f"{name}_", taken)
