"""How redrives, restores and decisions about rejected files look in a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from workflow.operator.cli import views
from workflow.operator.formatting import age, size
from workflow.operator.operations.redrive import Failed, Redriven
from workflow.operator.operations.restore import Asked, RestorePrice


@dataclass(frozen=True)
class Refused:
    """An asset or execution with which it was not possible, as it was named, and why."""

    ref: str
    problem: str

    def facts(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Released:
    """A rejected file that is processed again; where it was followed, its outcome, and the problem if there is one."""

    asset_id: str
    key: str
    execution: str
    outcome: str | None = None
    problem: str | None = None

    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Gone:
    """A rejected file that was let go."""

    asset_id: str
    key: str
    status: str = "discarded"

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def failed_view(found: Sequence[Failed]) -> RenderableType:
    """What a redrive of all that failed would take up: by cause, then the latest of them by name."""
    if not found:
        return "Nothing has failed that waits for a redrive."
    made = views.table("execution", "error", "file", "ago")
    for each in found[: views.NAMED_AT_MOST]:
        made.add_row(each.execution, _cause(each), each.key or "", age(each.ended))
    left_out = (
        f"The latest {views.NAMED_AT_MOST} of {len(found):,}; --json has all. "
        if len(found) > views.NAMED_AT_MOST
        else ""
    )
    return Group(_causes_view(found), Text(), made, Text(f"{left_out}{_how_to_go_on(found[0])}"))


def _how_to_go_on(latest: Failed) -> str:
    where = f" --state {latest.state}" if latest.state else ""
    return (
        f"`sluice execution {latest.execution}` says more of one. Once its cause is fixed: "
        f"`sluice redrive --error {latest.error}{where} --wait`."
    )


def _causes_view(found: Sequence[Failed]) -> RenderableType:
    """How many failed of each cause, and what the latest of them said."""
    made = views.table("failed", "error", "state", "latest", "said")
    latest = {_cause(each): each for each in reversed(found)}
    for cause, count in _counted(found):
        each = latest[cause]
        made.add_row(f"{count:,}", each.error, each.state or "", age(each.ended), each.message)
    return made


def _counted(found: Sequence[Failed]) -> list[tuple[str, int]]:
    return Counter(map(_cause, found)).most_common()


def _cause(each: Failed) -> str:
    return f"{each.error} in {each.state}" if each.state else each.error


@dataclass(frozen=True)
class Ended:
    """A redrive, and the outcome that it led to, where it was followed."""

    redriven: Redriven
    outcome: str | None = None


def redriven_view(rows: Sequence[Ended]) -> RenderableType:
    """The counts, and by name those of which there is more to say, or all where they are few."""
    made = views.table("execution", "how", "outcome", "because")
    named = rows if len(rows) <= views.NAMED_AT_MOST else [each for each in rows if not _well(each)]
    for each in named:
        outcome = views.colored(each.outcome) if each.outcome else ""
        because = each.redriven.because or ""
        goes_on = f"; now {each.redriven.started}" if each.redriven.started != each.redriven.execution else ""
        made.add_row(each.redriven.execution, views.colored(each.redriven.how), outcome, f"{because}{goes_on}")
    return Group(made, Text(_redriven_told(rows))) if named else Text(_redriven_told(rows))


def _well(each: Ended) -> bool:
    return each.redriven.how == "redriven" and each.outcome in {None, "succeeded"}


def _redriven_told(rows: Sequence[Ended]) -> str:
    done = Counter(each.redriven.how for each in rows)
    ends = Counter(each.outcome for each in rows if each.outcome)
    told = "; of these ".join(_words(counts) for counts in (done, ends) if counts)
    return f"{told}. What is still failed: `sluice redrive --failed --dry-run`."


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in counts.most_common())


def price_view(priced: RestorePrice) -> RenderableType:
    """Before anything is asked for."""
    rows = [("originals", f"{priced.count}, {size(priced.bytes)}")]
    rows += [("on AWS", f"about ${priced.dollars:.2f}, with the readable copies"), ("takes", " or ".join(priced.takes))]
    problems = [Text(each, "yellow") for each in priced.problems.values()]
    return Group(*([views.pairs(rows)] if priced.count else []), *problems)


def restores_view(found: Iterable[Asked | Refused]) -> RenderableType:
    made = views.table("asset", "file", "class", "restore", "then")
    for each in found:
        if isinstance(each, Refused):
            made.add_row(each.ref, "", "", Text(each.problem, "red"), "")
            continue
        takes = "" if each.state == "readable" else f", {each.takes}"
        then = each.execution or ("processed again" if each.asked.then_reprocess else "")
        made.add_row(each.asset_id, each.key, each.storage_class, f"{each.state}{takes}", then)
    return made


def releases_view(found: Iterable[Released | Refused]) -> RenderableType:
    made = views.table("asset", "file", "execution", "outcome")
    for each in found:
        if isinstance(each, Refused):
            made.add_row(each.ref, "", "", Text(each.problem, "red"))
            continue
        outcome = Text(each.problem, "red") if each.problem else views.colored(each.outcome or "started")
        made.add_row(each.asset_id, each.key, each.execution, outcome)
    return made


def discards_view(found: Iterable[Gone | Refused]) -> RenderableType:
    made = views.table("asset", "file", "")
    for each in found:
        if isinstance(each, Refused):
            made.add_row(each.ref, "", Text(each.problem, "red"))
        else:
            made.add_row(each.asset_id, each.key, views.colored(each.status))
    return made
