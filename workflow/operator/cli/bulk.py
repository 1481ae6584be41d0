"""Does something for many, some at once, with a bar; what is in the way of one keeps no other from it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from workflow.operator.cli.progress import bar
from workflow.operator.cli.recovery_views import Refused
from workflow.operator.patience import PROBLEMS

AT_ONCE = 8

T = TypeVar("T")


def for_each(doing: str, refs: Sequence[str], work: Callable[[str], T]) -> list[T | Refused]:
    """What `work` came to for each, in the order given. It is done once: what may be repeated does so by itself."""

    def attempt(ref: str) -> T | Refused:
        try:
            return work(ref)
        except PROBLEMS as exc:
            return Refused(ref, str(exc))

    with bar(doing, len(refs)) as advance, ThreadPoolExecutor(AT_ONCE) as pool:
        return [advance(each) for each in pool.map(attempt, refs)]
