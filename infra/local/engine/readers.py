"""What the ItemReader of a Distributed Map reads: JSON, lines of JSON and CSV in S3, or a listing.

What cannot be read fails the Map Run with States.ItemReaderFailed, in the words that AWS was recorded to use:
scenarios/test_base_scenarios::test_map_item_reader_*, 21-09-2023 and 25-03-2024.
"""

import csv
import io
import json
from typing import Any, cast

from infra.local.engine.errors import StateError
from infra.local.engine.scope import Scope
from infra.local.ministack import stepfunctions as sf

READER_ERROR = "States.ItemReaderFailed"
LIMITS = ("MaxItems", "MaxItemsPath")

Config = dict[str, Any]


def limit_of(scope: Scope, reader: dict[str, Any]) -> int:
    """How many items are taken at most; 0 is all of them."""
    return scope.whole_number("MaxItems", 0, reader.get("ReaderConfig") or {})


def read_items(scope: Scope, reader: dict[str, Any], data: Any) -> list[Any]:
    config: Config = reader.get("ReaderConfig") or {}
    limit = limit_of(scope, reader)
    if limit < 0:
        raise StateError(READER_ERROR, "field MaxItems must be positive")
    unlimited = {name: value for name, value in config.items() if name not in LIMITS}
    items = sf._read_map_items({**reader, "ReaderConfig": unlimited}, data, scope.context)
    return items[: limit or None]


def parse_items(text: str, config: Config) -> list[Any]:
    """The items of one file."""
    try:
        match config.get("InputType", "JSON"):
            case "CSV":
                return _rows(text, config)
            case "JSONL":
                return [json.loads(line) for line in text.splitlines() if line.strip()]
            case _:
                return _listed(json.loads(text), config.get("ItemsPointer", ""))
    except ValueError as exc:
        raise StateError(READER_ERROR, f"The file cannot be read: {exc}") from exc


def _rows(text: str, config: Config) -> list[dict[str, str]]:
    """Fields that are missing are empty, fields without a header are left out."""
    delimiter = sf._CSV_DELIMITERS.get(config.get("CSVDelimiter", "COMMA"), ",")
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    if config.get("CSVHeaderLocation") == "GIVEN":
        headers: list[str] = config.get("CSVHeaders") or []
    else:
        headers, rows = (rows[0], rows[1:]) if rows else ([], [])
    if len(set(headers)) < len(headers):
        raise StateError(READER_ERROR, "CSV headers cannot contain duplicates.")
    return [dict(zip(headers, row + [""] * len(headers), strict=False)) for row in rows]


def _listed(value: Any, pointer: str) -> list[Any]:
    for part in filter(None, pointer.split("/")):
        try:
            value = value[int(part) if isinstance(value, list) else part]
        except (LookupError, TypeError, ValueError) as exc:
            raise StateError(READER_ERROR, f"Nothing is at the pointer {pointer}") from exc
    if not isinstance(value, list):
        raise StateError(READER_ERROR, "Attempting to map over non-iterable node.")
    return cast("list[Any]", value)
