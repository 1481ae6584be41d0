"""Keeps Step Functions executions in SQLite, a row each, so that saving costs what changed and not what exists."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Key = tuple[str, str, str]
"""Account, region and execution ARN."""
Execution = dict[str, Any]
Row = tuple[str, str, str, str]

SCHEMA = """
    CREATE TABLE IF NOT EXISTS executions (
        account TEXT, region TEXT, arn TEXT, record TEXT NOT NULL,
        PRIMARY KEY (account, region, arn)
    ) WITHOUT ROWID
"""
UPSERT = "INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?)"
DELETE = "DELETE FROM executions WHERE account = ? AND region = ? AND arn = ?"


@dataclass(frozen=True)
class Changes:
    """What `commit` has to write; `progress` is the state that it then has."""

    rows: list[Row]
    gone: set[Key]
    progress: dict[Key, object]


class ExecutionJournal:
    def __init__(self, path: Path, encode: Callable[[Any], str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(SCHEMA)
        self._encode = encode
        self._committed: dict[Key, object] = {}

    def changes(self, executions: Mapping[Key, Execution]) -> Changes:
        progress = {key: progress_of(execution) for key, execution in executions.items()}
        rows = [
            (*key, self._encode(execution))
            for key, execution in executions.items()
            if self._committed.get(key) != progress[key]
        ]
        return Changes(rows, self._committed.keys() - progress.keys(), progress)

    def commit(self, changes: Changes) -> None:
        with self._database:
            self._database.executemany(UPSERT, changes.rows)
            self._database.executemany(DELETE, changes.gone)
        self._committed = changes.progress

    def load(self) -> Iterator[tuple[Key, str]]:
        for account, region, arn, record in self._database.execute("SELECT * FROM executions"):
            yield (account, region, arn), record


def progress_of(execution: Execution) -> object:
    """Differs whenever the execution's record does: whatever happens to an execution adds an event."""
    return execution["status"], len(execution["events"])
