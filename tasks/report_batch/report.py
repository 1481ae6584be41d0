"""What became of a batch: a row for each asset, and the counts. Knows no AWS."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tasks.shared.records.attempts import of_batch
from tasks.shared.records.model import Record, Unreadable
from workflow.errors import UnreadableRecord

STILL_PROCESSING = "processing"
NOT_STARTED = "not started"
DUPLICATE = "duplicate"
UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One asset of the batch. `outcome` is its record's status, "duplicate", "not started" or "unreadable"."""

    asset_id: str
    key: str
    outcome: str
    error: str = ""
    message: str = ""
    execution: str = ""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How many assets ended how, and of those that did not succeed, how many for each error."""

    total: int
    outcomes: dict[str, int]
    errors: dict[str, int]


def row_of(key: str, record: Record | None, batch: str) -> Row | None:
    """The asset's row; None where no attempt of the batch is on record."""
    last = of_batch(record.attempts, batch) if record else None
    if record is None or last is None:
        return None
    outcome = last.outcome or STILL_PROCESSING
    reason = record.reason if outcome in {"failed", "rejected"} else None
    return Row(
        asset_id=record.asset_id,
        key=key,
        outcome=outcome,
        error=reason.code if reason else "",
        message=reason.message if reason else "",
        execution=last.execution,
    )


def without_record(key: str, found: Unreadable) -> Row:
    """The row of an asset whose record cannot be read."""
    return Row(
        asset_id=found.asset_id, key=key, outcome=UNREADABLE, error=UnreadableRecord.__name__, message=found.problem
    )


def write(path: Path, rows: Iterable[Row]) -> Summary:
    """Write the rows as CSV, one at a time, and count them."""
    outcomes, errors = Counter[str](), Counter[str]()
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        for row in rows:
            table.writerow(asdict(row))
            outcomes[row.outcome] += 1
            errors.update([row.error] if row.error else [])
    return Summary(total=outcomes.total(), outcomes=dict(outcomes), errors=dict(errors.most_common()))
