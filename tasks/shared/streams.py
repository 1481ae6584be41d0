"""What a function answers for a batch of a stream. Lambda delivers again from the lowest number named, in order."""

from typing import Any

SEQUENCE_DIGITS = 56
"""Kinesis' numbers have up to 56 digits and DynamoDB's up to 40: padded, their texts sort as the numbers do."""


def comes_again_from(sequence: str | None) -> dict[str, Any]:
    """The answer that has Lambda deliver the record of that number again, and all after it; None for none."""
    return {"batchItemFailures": [] if sequence is None else [{"itemIdentifier": sequence}]}


def sortable(sequence: str) -> str:
    return sequence.zfill(SEQUENCE_DIGITS)
