"""What facts are asked with: the answer to a call, or the name and the message it is refused with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.patches.conftest import Cloud


@dataclass(frozen=True)
class Fact:
    """What AWS was recorded to answer; `stock` says whether the emulator answers so by itself."""

    ask: Callable[[Cloud], Any]
    answer: Any
    stock: bool = False


def refusal(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    try:
        answer = call(**members)
    except ClientError as exc:
        error = exc.response["Error"]
        return error["Code"], error["Message"]
    raise AssertionError(f"not refused: {answer}")


def code(call: Callable[..., Any], **members: Any) -> str | None:
    """The name a call is refused with; None where it is taken."""
    try:
        call(**members)
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    return None


def told(fact: Fact, cloud: Cloud) -> bool:
    """Whether the emulator answers as AWS did; one that cannot be asked at all does not."""
    try:
        return fact.ask(cloud) == fact.answer
    except Exception:  # noqa: BLE001 - whatever it is that it does instead
        return False
