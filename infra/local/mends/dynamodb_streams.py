"""What nobody has read of a table's stream yet outlives a restart.

Defect: the positions of its readers are saved and the stream is not, so that after a restart as many changes go unread
as had been read before. AWS keeps a stream for 24 hours.
"""

from collections.abc import Iterator
from typing import Any

from infra.local.stock import dynamodb, lambda_svc

Scope = tuple[str, str, str]
"""Account, region and the name of a table or mapping."""

_stock_get = lambda_svc.get_state
_stock_load = lambda_svc.load_persisted_state


def install() -> None:
    lambda_svc.get_state = get_state
    lambda_svc.load_persisted_state = load


def get_state() -> dict[str, Any]:
    """Two readers of one table may be at different records: one of them reads some again."""
    unread = [[*table, records_from(table, reader)] for reader, table in readers()]
    return {**_stock_get(), "dynamodb_stream_positions": {}, "unread": unread}


def load(data: dict[str, Any]) -> None:
    for *table, records in data.get("unread", []):
        known: list[Any] = dynamodb._stream_records._data.get(tuple(table), [])
        dynamodb._stream_records._data[tuple(table)] = max(known, records, key=len)
    _stock_load(data)
    for reader, _table in readers():
        lambda_svc._dynamodb_stream_positions._data[reader] = 0


def readers() -> Iterator[tuple[Scope, Scope]]:
    """Each mapping of a table's stream, and the table."""
    for (account, region, mapping), settings in list(lambda_svc._esms._data.items()):
        arn: str = settings.get("EventSourceArn", "")
        if ":dynamodb:" in arn:
            yield (account, region, mapping), (account, region, arn.split("/")[1])


def records_from(table: Scope, reader: Scope) -> list[Any]:
    """Those that the reader has not taken yet. Older ones are trimmed from the front, which positions count in."""
    trimmed: int = dynamodb._stream_trimmed._data.get(table, 0)
    position: int = lambda_svc._dynamodb_stream_positions._data.get(reader, 0)
    return dynamodb._stream_records._data.get(table, [])[max(position - trimmed, 0) :]
