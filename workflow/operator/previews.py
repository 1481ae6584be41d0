"""What will happen, and what is asked before it does: the same words in a terminal and on a page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workflow.operator.formatting import age, size
from workflow.operator.operations.dead_letters import Queue
from workflow.operator.operations.live_settings import Change
from workflow.operator.operations.restore import RestorePrice
from workflow.operator.operations.stop import Running
from workflow.operator.releases import Switch

FIRST_FEW = 5


@dataclass(frozen=True)
class Preview:
    """`question` asks for a yes, `says` tells in sentences what a yes does, and `do` is the word for it."""

    question: str
    says: tuple[str, ...]
    do: str


def counted(count: int, what: str) -> str:
    """1 execution, 2 executions."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def causes(found: Iterable[tuple[str, str | None]]) -> str:
    """Errors with the states that they stopped, counted, the most frequent first."""
    counts = Counter(f"{error} in {state}" if state else error for error, state in found)
    return ", ".join(f"{count:,} {cause}" for cause, count in counts.most_common())


def of_redrive(count: int, causes: str) -> Preview:
    return Preview(
        f"Redrive {counted(count, 'execution')}{f' ({causes})' if causes else ''}?",
        (
            "Each continues in the state where it stopped: finished steps are neither repeated nor billed again.",
            "Where Step Functions cannot redrive one, its asset is processed from the start.",
        ),
        "Redrive",
    )


def of_stop(found: Sequence[Running]) -> Preview:
    named = [f"{each.key or each.execution}, started {age(each.started)} ago" for each in found[:FIRST_FEW]]
    more = (f"…and {len(found) - FIRST_FEW:,} more.",) if len(found) > FIRST_FEW else ()
    return Preview(
        f"Stop {counted(len(found), 'execution')}?",
        (*named, *more, "The originals stay where they are, and a redrive goes on with what was stopped."),
        "Stop",
    )


def of_release(count: int) -> Preview:
    return Preview(
        f"Release {counted(count, 'rejected file')}?",
        (
            "They are checked and processed again, from quarantine.",
            "Files that still break a rule are rejected again.",
        ),
        "Release",
    )


def of_discard(count: int) -> Preview:
    return Preview(
        f"Discard {counted(count, 'rejected file')}?",
        (
            "The originals are deleted with delete markers: remove a marker to get one back.",
            "The records stay, with who discarded them and why.",
        ),
        "Discard",
    )


def of_restore(priced: Mapping[str, RestorePrice], *, days: int) -> Preview:
    """`priced` by tier. With what cannot be restored, and why."""
    one = next(iter(priced.values()))
    problems = {asset: why for each in priced.values() for asset, why in each.problems.items()}
    return Preview(
        f"Restore {counted(max(each.count for each in priced.values()), 'original')}?",
        (
            f"S3 restores readable copies of {size(one.bytes)} for {counted(days, 'day')}.",
            *(
                f"{tier}: {' or '.join(each.takes)}, about ${each.dollars:,.2f} on AWS."
                for tier, each in priced.items()
                if each.count
            ),
            "Nothing runs meanwhile: S3 sends an event when a copy is ready.",
            *problems.values(),
        ),
        "Restore",
    )


def of_sending_again(waiting: Sequence[Queue], count: int) -> Preview:
    """`waiting` are the queues that are meant."""
    does = tuple(f"{each.name}: {each.redrive}." for each in waiting if each.messages)
    return Preview(
        f"Send about {counted(count, 'message')} again?",
        (*does, "A message leaves its queue once it is accepted; one that is not stays, and is reported."),
        "Redrive",
    )


def of_discarding(queue: str, count: int) -> Preview:
    return Preview(
        f"Discard about {counted(count, 'message')} of {queue}?",
        ("What they ask for will not be done.", "Copies are kept in the operations bucket."),
        "Discard",
    )


def of_rollback(switch: Switch) -> Preview:
    return Preview(
        f"Route all new executions to version {switch.to}?",
        (
            f"They run {shares_told(switch.shares_before)} now.",
            _staying(switch),
            "Buckets, roles and rules stay as they were deployed.",
        ),
        "Roll back" if switch.to < max(switch.shares_before, default=0) else "Roll forward",
    )


def switched(switch: Switch) -> str:
    """What a rollback has done."""
    return (
        f"New executions run version {switch.to}; before, they ran {shares_told(switch.shares_before)}. "
        f"{_staying(switch)}"
    )


def _staying(switch: Switch) -> str:
    return f"{counted(switch.staying, 'execution')} at work on other versions go on with these, and so do redrives."


OF_SWEEP = Preview(
    "Sweep now?",
    (
        "The sweeper finds and finishes what a crash or a lost event left undone.",
        "It runs on a schedule anyway; an extra round is safe.",
    ),
    "Sweep",
)
CANCELLED = "Cancelled the deployment; CloudFormation rolls everything back."
NOT_CANCELLED = "The deployment has just ended."
OF_CANCELLING = Preview(
    "Cancel the deployment in progress?", ("CloudFormation rolls back everything that it has changed.",), "Cancel it"
)


REACHES = "It reaches the functions within a minute."


def of_settings(changes: Sequence[Change]) -> Preview:
    return Preview(
        f"Change {counted(len(changes), 'setting')}?",
        (
            *(f"{each.name}: {each.before} → {each.after}" for each in changes),
            REACHES,
        ),
        "Change",
    )


def shares_told(shares: dict[int, int]) -> str:
    """Which versions new executions run."""
    return " and ".join(f"version {number} ({share} %)" for number, share in sorted(shares.items())) or "no version"
