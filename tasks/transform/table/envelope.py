"""Takes rows out of what is wrapped around them: `{"Records": […]}`, pages of an API, GeoJSON's features.

The text of a row is never read and written again, so that each digit in it stays.
"""

import json
import mmap
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import msgspec

from tasks.transform.table.limits import LIMITS, MIB
from workflow.errors import TooLarge

UNWRAPPED = "rows.json"
"""Where the rows are, in the scratch folder."""

_LISTS = frozenset(
    {
        *("records", "items", "data", "results", "result", "rows", "value", "values", "entries", "hits", "content"),
        *("documents", "list", "events", "logevents", "objects", "elements", "response", "body", "collection"),
        *("edges", "nodes", "_embedded"),
    }
)
"""What lists of rows are called. One of another name is taken for rows if nothing but plain values is beside it."""

_LINKS = frozenset({"_links", "links", "pageinfo", "paging", "pagination"})
"""What leads to other pages, and is no part of the rows."""

_MAX_DEPTH, _MIN_ROWS, _MAX_SAID_CHARS = 3, 2, 100

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def unwrapped(path: Path, scratch: Path) -> tuple[Path, tuple[str, ...]]:
    """One row a value, and what people should know; the file itself if nothing is wrapped around its rows."""
    if not _is_one_object(path):
        return path, ()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            document = _members.decode(content)
        except (msgspec.DecodeError, RecursionError):
            return path, ()
        rows, notes = _rows_of(document)
        target = scratch / UNWRAPPED
        if rows is not None:
            with target.open("wb") as made:
                made.writelines(chain.from_iterable((b",\n" if at else b"[", row) for at, row in enumerate(rows)))
                made.write(b"]")
        del document, rows
    if notes:
        return target, notes
    if path.stat().st_size > LIMITS.max_json_value_bytes:
        raise TooLarge(
            f"The JSON is a single value of {path.stat().st_size / MIB:,.0f} MiB, and no list of rows was found in it. "
            "Write each row as an object of its own, one a line (NDJSON), and upload that."
        )
    return path, ()


def _is_one_object(path: Path) -> bool:
    """Whether it could be one: it begins like one, and is not too large to be looked at as a whole."""
    with path.open("rb") as file:
        head = file.read(4096).lstrip()
    return head.startswith(b"{") and path.stat().st_size <= LIMITS.max_json_document_bytes


def _rows_of(document: Mapping[str, msgspec.Raw]) -> tuple[Iterable[bytes] | None, tuple[str, ...]]:
    if document.get("type") == msgspec.Raw(b'"FeatureCollection"'):
        features = _objects(document.get("features"))
        if features:
            return map(_feature, features), ('the rows are the features: their properties, and "geometry"',)
    found, names = _list_in(document), list[str]()
    for _ in range(_MAX_DEPTH):
        if found:
            break
        inner = _only_object(document)
        if inner is None:
            return None, ()
        name, document = inner
        names.append(name)
        found = _list_in(document)
    if not found:
        return None, ()
    name, rows = found
    beside = [f"{key}: {_said(raw)}" for key, raw in document.items() if key != name]
    said = f'the rows are the items of "{".".join([*names, name])}"'
    beside_it = "; ".join(beside)[:_MAX_SAID_CHARS]
    return map(bytes, rows), (f"{said}; beside it was {beside_it}" if beside else said,)


def _list_in(document: Mapping[str, msgspec.Raw]) -> tuple[str, list[msgspec.Raw]] | None:
    """The one member that is a list of objects, if it can be told for one of rows."""
    found = {name: rows for name, raw in document.items() if (rows := _objects(raw))}
    if len(found) != 1:
        return None
    (name, rows), *_ = found.items()
    is_plain = all(_begin(raw) not in {b"[", b"{"} for key, raw in document.items() if key != name)
    is_named = name.casefold() in _LISTS
    return (name, rows) if is_named or (is_plain and len(rows) >= _MIN_ROWS) else None


def _only_object(document: Mapping[str, msgspec.Raw]) -> tuple[str, dict[str, msgspec.Raw]] | None:
    """That what rows are in is in: the one member that is no plain value, if it is alone or named as lists are."""
    members = {name: raw for name, raw in document.items() if name.casefold() not in _LINKS}
    found = [(name, raw) for name, raw in members.items() if _begin(raw) in {b"{", b"["}]
    if len(found) != 1 or _begin(found[0][1]) != b"{" or not (len(members) == 1 or found[0][0].casefold() in _LISTS):
        return None
    return found[0][0], _members.decode(found[0][1])


def _objects(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The items, if all are objects."""
    if raw is None or _begin(raw) != b"[":
        return []
    items = _items.decode(raw)
    return items if all(_begin(item) == b"{" for item in items) else []


def _feature(raw: msgspec.Raw) -> bytes:
    feature = _members.decode(raw)
    properties = feature.get("properties", msgspec.Raw(b"null"))
    row = dict[str, msgspec.Raw]() if bytes(properties) == b"null" else _members.decode(properties)
    if "id" in feature:
        row = {_free("id", row): feature["id"], **row}
    return msgspec.json.encode({**row, _free("geometry", row): feature.get("geometry", msgspec.Raw(b"null"))})


def _free(name: str, taken: Mapping[str, object]) -> str:
    return name if name not in taken else f"feature_{name}"


def _begin(raw: msgspec.Raw) -> bytes:
    """The first byte, without a copy of the others."""
    return bytes(memoryview(raw)[:1])


def _said(raw: msgspec.Raw) -> str:
    text = bytes(memoryview(raw)[: 4 * _MAX_SAID_CHARS]).decode(errors="ignore")
    return text if len(text) <= _MAX_SAID_CHARS else f"{text[:_MAX_SAID_CHARS]}…"


def exact(texts: Iterable[str], target: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Writes objects with what DuckDB would change kept as text: decimals that no double holds, keys that come again.

    Of these, the last counts. Returns the keys whose numbers are now texts, and those of lists and objects that are.
    """
    numbers, nested, words = set[str](), set[str](), set[str]()
    with target.open("wb") as file:
        for text in texts:
            file.write(_exact(text, numbers, nested, words) + b"\n")
    return frozenset(numbers - words), frozenset(nested)


def _exact(text: str, numbers: set[str], nested: set[str], words: set[str]) -> bytes:
    try:
        members: dict[str, msgspec.Raw | str] = {**_members.decode(text)}
    except msgspec.DecodeError:
        return text.encode()
    for key, raw in members.items():
        value = bytes(raw).decode() if isinstance(raw, msgspec.Raw) else raw
        if value.startswith('"'):
            words.add(key)
        elif value.startswith(("{", "[")):
            members[key] = _last_of_each(raw) if isinstance(raw, msgspec.Raw) else raw
            if any(map(_is_rounded, _decimals(value))):
                members[key] = value
                nested.add(key)
        elif _is_rounded(value):
            members[key] = value
            numbers.add(key)
    return msgspec.json.encode(members)


def _last_of_each(raw: msgspec.Raw) -> msgspec.Raw:
    """The same value; of keys that come twice in an object, at any depth, the last."""
    if _begin(raw) == b"{":
        members = {key: _last_of_each(member) for key, member in _members.decode(raw).items()}
        return msgspec.Raw(msgspec.json.encode(members))
    if _begin(raw) == b"[":
        return msgspec.Raw(msgspec.json.encode([_last_of_each(item) for item in _items.decode(raw)]))
    return raw


def _decimals(text: str) -> Iterator[str]:
    found: list[str] = []
    json.loads(text, parse_float=lambda number: found.append(number) or 0.0)
    yield from found


def _is_rounded(number: str) -> bool:
    """Whether a double is another number than the text says."""
    mantissa = number.lower().partition("e")[0]
    digits = mantissa.replace(".", "").lstrip("-0")
    return "." in mantissa and len(digits.rstrip("0")) > 15 and repr(float(number)) != number  # noqa: PLR2004 - DBL_DIG
