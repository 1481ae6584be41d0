"""What an operator does with assets and executions that are there already; the CLI and the console both call this."""

import getpass
from datetime import timedelta
from typing import Any

import msgspec

from tasks.shared.nesting import decode_json
from tasks.shared.records.model import Record
from workflow.errors import InputError, SluiceError
from workflow.operator.client import Sluice
from workflow.operator.formatting import MINUTE_SECONDS, took
from workflow.operator.stack import LOCAL
from workflow.shapes import ExecutionInput, parse


class NotPossibleError(SluiceError):
    """The asset or execution is not in a state for it; the message says in which it is, and what to do."""


def whoami(sluice: Sluice) -> str:
    """Who is written down as having asked: the user of the laptop, or the identity that AWS sees."""
    return getpass.getuser() if sluice.stack.stage == LOCAL else sluice.aws.sts.get_caller_identity()["Arn"]


def spoken(span: timedelta) -> str:
    """As people say how long something takes: in its two largest units."""
    seconds = round(span.total_seconds())
    return f"{seconds} s" if seconds < MINUTE_SECONDS else took(seconds)


def own_input(text: str) -> ExecutionInput:
    """An execution's input as a person has written it; an InputError says what is wrong with it."""
    try:
        found = decode_json(text, dict[str, Any])
    except msgspec.DecodeError as exc:
        raise InputError(f"The input is not a JSON object: {exc}.") from exc
    return parse(found, ExecutionInput)


def start_again(
    sluice: Sluice, record: Record, *, trigger: str, by: str, why: str | None = None, batch: str | None = None
) -> str:
    """Start an execution for a known asset, wherever its original is; the execution's name."""
    return sluice.start(
        ExecutionInput(
            bucket=record.bucket,
            key=record.key,
            version_id=record.version_id,
            trigger=trigger,
            by=by,
            why=why,
            batch=batch,
        )
    )
