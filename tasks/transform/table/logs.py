"""Reads logs: a table of each kind of log in the file, with the documented names of its fields.

Lines that are no entry belong to the message of the entry before, as stack traces do, or are bad rows.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from duckdb import DuckDBPyConnection

from tasks.sniffing.logs import Entry, LogFormat, LogReader, family, is_beginning
from tasks.transform.table.delimited import CleanWriter, check_columns, load_clean
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.plain import PlainText
from tasks.transform.table.raw import ANY, Family, RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from workflow.errors import CorruptTable

_FAMILIES: dict[str, frozenset[Family]] = {
    "": frozenset(),
    "any": ANY,
    "number": frozenset({"number"}),
    "time": frozenset({"time"}),
}
_MAX_MESSAGE_CHARS = LIMITS.max_line_bytes // 4


@dataclass
class _Log:
    """The entries of one kind, as they are written: names in the order in which they first come."""

    name: str
    path: Path
    file: TextIOWrapper
    writer: CleanWriter
    names: dict[str, int] = field(default_factory=dict[str, int])
    rows: int = 0
    narrowest: int = 0
    joined: int = 0

    def add(self, entry: Entry) -> None:
        for name in entry:
            self.names.setdefault(name, len(self.names))
        self.narrowest = self.narrowest or len(self.names)
        self.writer.write([entry.get(name, "") for name in self.names])
        self.rows += 1


def read_logs(text: PlainText, name: str, engine: DuckDBPyConnection, scratch: Path) -> list[RawTable]:
    """Raises a RejectedError."""
    logs: dict[str, _Log] = {}
    with Rejects(scratch / "rejects.ndjson") as rejects:
        try:
            for log, entry, joined in _entries(text.path, rejects):
                found = logs.get(log) or _opened(log, scratch)
                logs[log] = found
                found.add(entry)
                found.joined += joined
        finally:
            for log in logs.values():
                log.file.close()
        rejects.good = sum(log.rows for log in logs.values())
        rejects.check()
    if not logs:
        raise CorruptTable("No line of this log is an entry of a known kind. Convert it to CSV or NDJSON.")
    first, *others = [_loaded(engine, text, log, name, is_alone=len(logs) == 1) for log in logs.values()]
    return [rejects.told(first), *others]


def _opened(name: str, scratch: Path) -> _Log:
    path = scratch / f"log-{name}.csv"
    file = path.open("w", encoding="utf-8", errors="replace", newline="")
    return _Log(name, path, file, CleanWriter(file))


def _entries(path: Path, rejects: Rejects) -> Iterator[tuple[str, Entry, int]]:
    """The kind of log, an entry, and how many lines were joined to it."""
    reader, pending = LogReader(), _Pending()
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, 1):
            text = line.rstrip("\r\n")
            if not text.strip():
                continue
            found = None if reader.is_directive(text) else reader.read(text)
            if found:
                yield from pending.taken()
                pending = _Pending(*found)
            elif reader.is_directive(text):
                rejects.leave_out(number, "a directive", text)
            elif not pending.join(text):
                rejects.add(number, "no entry of a known log", text)
        yield from pending.taken()


@dataclass
class _Pending:
    """An entry whose message may go on in the lines below."""

    log: LogFormat | None = None
    entry: Entry = field(default_factory=dict[str, str])
    more: list[str] = field(default_factory=list[str])
    chars: int = 0

    def join(self, line: str) -> bool:
        """Whether the line belongs to the entry."""
        self.chars += len(line)
        is_open = self.log is not None and self.log.is_open and self.chars < _MAX_MESSAGE_CHARS
        is_joined = is_open and not is_beginning(line)
        if is_joined:
            self.more.append(line)
        return is_joined

    def taken(self) -> Iterator[tuple[str, Entry, int]]:
        if self.log is None:
            return
        entry = dict(self.entry)
        if self.more:
            entry[self.log.message] = "\n".join([entry.get(self.log.message, ""), *self.more])
        yield self.log.name, entry, len(self.more)


def _loaded(engine: DuckDBPyConnection, text: PlainText, log: _Log, name: str, *, is_alone: bool) -> RawTable:
    check_columns(len(log.names))
    if log.narrowest < len(log.names):
        _widen(log)
    columns = tuple(
        RawColumn(column, _FAMILIES[family(log.name, known)])
        for column, known in zip(column_names(log.names), log.names, strict=True)
    )
    joined = f"{log.joined:,} lines without a beginning of their own belong to the message above them"
    notes = (*text.notes, *([joined] if log.joined else []))
    table = RawTable(
        name if is_alone else f"{name}-{log.name}",
        log.path.with_suffix(".parquet"),
        columns,
        log.rows,
        log.path.stat().st_size / log.rows,
        joined=log.joined,
        notes=notes,
        facts={"encoding": text.encoding, "log": log.name},
    )
    load_clean(engine, log.path, table)
    log.path.unlink()
    return table


def _widen(log: _Log) -> None:
    """Fields that first came later are empty in the rows above."""
    narrow = log.path.rename(log.path.with_suffix(".narrow"))
    with (
        narrow.open(encoding="utf-8", newline="") as source,
        log.path.open("w", encoding="utf-8", newline="") as target,
    ):
        writer = CleanWriter(target)
        for row in csv.reader(source):
            writer.write([*row, *[""] * (len(log.names) - len(row))])
    narrow.unlink()
