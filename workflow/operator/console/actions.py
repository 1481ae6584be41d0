"""What a person can do from the console: each is confirmed with what will happen and what it costs, then told."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from nicegui import ui

from tasks.shared.objects import Objects
from tasks.shared.records.model import Listed, Record
from workflow.glacier import RETRIEVALS, is_frozen
from workflow.operator.client import parse_uri
from workflow.operator.console import listing
from workflow.operator.console.dialogs import Progress, Question, Watch, confirm, tell
from workflow.operator.console.frame import Console
from workflow.operator.console.live import PROBLEMS, ask, sentence
from workflow.operator.console.widgets import execution_path, size, took
from workflow.operator.operations.estimate import Estimate, estimate
from workflow.operator.operations.quarantine import discard, release
from workflow.operator.operations.redrive import Redriven, redrive
from workflow.operator.operations.reprocess import Batch, reprocess, resume, stop, usual_concurrency
from workflow.operator.operations.restore import restore
from workflow.operator.operations.select import Readable
from workflow.shapes import ExecutionInput

T = TypeVar("T")
P = ParamSpec("P")

SAID_AT_MOST = 3
AT_ONCE = 8
CENT = 0.01
READABLE_DAYS = 7


@dataclass(frozen=True)
class Chosen:
    """The assets that an action is about: those named, or all that match a filter."""

    records: Sequence[Listed] = ()
    matching: listing.Filter | None = None

    @property
    def one(self) -> Listed | None:
        return self.records[0] if len(self.records) == 1 and self.matching is None else None

    def load(self, console: Console) -> list[Record]:
        """Their whole records, as they are now."""
        if self.matching:
            return list(listing.matching(console.sluice, self.matching))
        known = console.sluice.records.assets.many([each.asset_id for each in self.records])
        return [known[each.asset_id] for each in self.records if each.asset_id in known]


@dataclass
class Outcome:
    """What became of an action on several: how many went well, and the problems of the others."""

    done: list[Any] = field(default_factory=list[Any])
    problems: list[str] = field(default_factory=list[str])


def of_the_page(work: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """What it shows belongs to the page: the button that was clicked may be drawn anew before the end."""

    @wraps(work)
    async def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with ui.context.client.content:
            await work(*args, **kwargs)

    return run


class Actions:
    """The actions on one stage, in the name of who runs the console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._sluice = console.sluice

    def possible(self, record: Listed) -> dict[str, Callable[[Chosen], Any]]:
        """What can be done with an asset as it is, by label, the most likely first."""
        return self.possible_with(record.status, record.original.storage_class)

    def possible_with(self, status: str, storage_class: str = "STANDARD") -> dict[str, Callable[[Chosen], Any]]:
        """The same of any asset with this status whose original is of this class."""
        found: dict[str, Callable[[Chosen], Any]] = {}
        if status == "failed":
            found["Redrive"] = self.redrive
        if status == "rejected":
            found |= {"Release": self.release, "Discard": self.discard}
        if is_frozen(storage_class):
            found["Restore"] = self.restore
        elif status not in {"processing", "discarded"}:
            found["Reprocess"] = self.reprocess
        return found

    # one or many

    @of_the_page
    async def reprocess(self, chosen: Chosen) -> None:
        """A few start at once; more go as a batch that can be followed."""
        records, frozen = await self._by_reach(chosen)
        if not records and frozen:
            await self._restore(frozen)
        if not records:
            return
        known = await self._try(partial(estimate, records, usual_concurrency(self._sluice)))
        if known is None:
            return
        says = (*_says_reprocess(known), *_says_frozen(frozen))
        answer = await confirm(Question(f"Reprocess {_count(records)}?", says, "Reprocess"))
        if answer is None:
            return
        _follow_batch(await self._try(partial(reprocess, self._sluice, records, **self._who(answer))))

    @of_the_page
    async def redrive(self, chosen: Chosen) -> None:
        """Continue the failed executions of assets."""
        records = [each for each in await self._load(chosen) if each.status == "failed"]
        if records:
            await self.redrive_executions([each.execution for each in records])

    @of_the_page
    async def redrive_executions(self, names: Sequence[str]) -> None:
        """Continue executions where they stopped."""
        says = (
            "Each goes on in the state where it stopped; finished steps are not repeated.",
            "Only the state transitions that remain are billed.",
            "Where AWS cannot redrive one, its asset is processed from the start instead.",
        )
        title = "Redrive this execution?" if len(names) == 1 else f"Redrive {len(names):,} executions?"
        answer = await confirm(Question(title, says, "Redrive"))
        if answer is not None:
            outcome = await self._each(partial(redrive, self._sluice, **self._who(answer)), names)
            _tell_redriven(outcome)
            self._watch([each.started for each in outcome.done if each.how in {"redriven", "reprocessed"}])

    @of_the_page
    async def restore(self, chosen: Chosen) -> None:
        """Ask S3 for readable copies of originals in Glacier."""
        readable, frozen = await self._by_reach(chosen)
        if frozen:
            await self._restore(frozen)
        elif readable:
            tell("These originals can be read at once: reprocess them without a restore.", bad=True)

    async def _restore(self, records: Sequence[Record]) -> None:
        tiers = await self._try(partial(self._tiers, records[0]))
        if tiers is None:
            return
        question = Question(
            f"Restore {_count(records)}?",
            (
                f"S3 makes readable copies of {_bytes(records)} for {READABLE_DAYS} days, billed by the GB.",
                *(f"{tier}: {takes}" for tier, takes in tiers.items()),
                "Nothing runs meanwhile: S3's event starts the reprocess once a copy is there.",
            ),
            "Restore",
            choices=tuple(tiers),
        )
        answer = await confirm(question)
        if answer is not None:
            wanted = {**self._who(answer), "tier": answer["choice"], "days": READABLE_DAYS}
            _tell(await self._each(partial(restore, self._sluice, **wanted), records), "asked for")

    @of_the_page
    async def release(self, chosen: Chosen) -> None:
        """Let rejected files be checked again."""
        records = [each for each in await self._load(chosen) if each.status == "rejected"]
        says = (
            "They are checked and processed again from quarantine, for instance after a limit was raised.",
            "What is still at fault is rejected again.",
        )
        answer = await confirm(Question(f"Release {_count(records)}?", says, "Release", needs_why=True))
        if answer is not None:
            _tell(await self._each(partial(release, self._sluice, **self._who(answer)), records), "released")

    @of_the_page
    async def discard(self, chosen: Chosen) -> None:
        """Let rejected originals go."""
        records = [each for each in await self._load(chosen) if each.status == "rejected"]
        says = (
            "The originals leave quarantine behind delete markers: their versions stay until somebody removes them.",
            "The records stay, with who discarded them and why.",
        )
        question = Question(f"Discard {_count(records)}?", says, "Discard", needs_why=True, dangerous=True)
        answer = await confirm(question)
        if answer is not None:
            _tell(await self._each(partial(discard, self._sluice, **self._who(answer)), records), "discarded")

    @of_the_page
    async def start_by_hand(self) -> None:
        """Start an execution for any object in ingest, archive or quarantine."""
        question = Question(
            "Start an execution by hand",
            ("The original is found wherever it is now. It costs one execution: six state transitions and the work.",),
            "Start",
            asks=("s3://bucket/key", "version (optional, else the newest)"),
        )
        answer = await confirm(question)
        if answer is not None:
            _follow(await self._try(partial(self._start, answer)))

    def _tiers(self, record: Record) -> Mapping[str, str]:
        """How fast its original can be had: lifecycle rules change its class and leave no trace in the record."""
        found = Objects(self._sluice.aws.s3).head(record.original)
        return RETRIEVALS.get(found.at.storage_class, {}) if found else {}

    def _start(self, answer: dict[str, str]) -> str:
        bucket, key = parse_uri(answer["s3://bucket/key"].strip())
        version = answer["version (optional, else the newest)"].strip() or None
        return self._sluice.start(
            ExecutionInput(bucket=bucket, key=key, version_id=version, by=self._console.by, why=answer["why"] or None)
        )

    @of_the_page
    async def resume_batch(self, name: str) -> None:
        """Go on with what a batch left undone."""
        says = ("What has ended well is not done again; what failed is tried once more.",)
        answer = await confirm(Question(f"Resume batch {name}?", says, "Resume"))
        if answer is not None:
            _follow_batch(await self._try(partial(resume, self._sluice, name, by=self._console.by)))

    @of_the_page
    async def stop_batch(self, name: str) -> None:
        """Let a batch start nothing more."""
        says = ("No more executions are started, and those at work are stopped. It can be resumed.",)
        answer = await confirm(Question(f"Stop batch {name}?", says, "Stop", dangerous=True))
        if answer is not None:
            await self._try(partial(stop, self._sluice, name, by=self._console.by))

    # how

    def _who(self, answer: dict[str, str]) -> dict[str, Any]:
        return {"by": self._console.by, "why": answer["why"]}

    def _watch(self, executions: Sequence[str]) -> None:
        """Tell how several are doing until they have ended; of one, its own page tells."""
        if len(executions) > 1:
            Watch(executions, self._counts)

    def _counts(self, executions: Sequence[str]) -> Counter[str]:
        """How many of the assets that these executions serve are in each status."""
        assets = set(self._sluice.records.links.assets_of(executions).values())
        return Counter(each.status for each in self._sluice.records.assets.many(assets).values())

    async def _by_reach(self, chosen: Chosen) -> tuple[list[Record], list[Record]]:
        """Those whose originals can be read now, and those that must be restored first."""
        records = await self._load(chosen)
        readable = Readable(self._sluice, records)
        now: list[Record] = await self._try(lambda: list(readable)) or []
        return now, [each for each in records if each.asset_id in readable.frozen]

    async def _load(self, chosen: Chosen) -> list[Record]:
        return await self._try(partial(chosen.load, self._console)) or []

    async def _try(self, work: Callable[[], T]) -> T | None:
        """The result; None where there was a problem, which is told."""
        try:
            return await ask(work)
        except PROBLEMS as exc:
            tell(sentence(exc), bad=True)
            return None

    async def _each(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Outcome:
        """Do it for each, some at once; what goes wrong with one does not keep the others from it."""
        outcome, turns = Outcome(), asyncio.Semaphore(AT_ONCE)
        with Progress(len(items)) as progress:

            async def do(item: Any) -> None:
                async with turns:
                    try:
                        outcome.done.append(await ask(work, item))
                    except PROBLEMS as exc:
                        outcome.problems.append(sentence(exc))
                progress.step()

            await asyncio.gather(*map(do, items))
        return outcome


def _count(records: Sequence[Record]) -> str:
    return records[0].key if len(records) == 1 else f"{len(records):,} assets"


def _bytes(records: Sequence[Record]) -> str:
    return size(sum(each.size for each in records))


def _says_reprocess(known: Estimate) -> tuple[str, ...]:
    cost = "less than $0.01" if known.dollars < CENT else f"about ${known.dollars:,.2f}"
    return (
        f"{known.count:,} new executions read {size(known.bytes)} again and replace what was made of them.",
        f"It costs {cost}: {known.transitions:,} state transitions, and the functions' time.",
        f"It takes about {took(known.seconds)}.",
    )


def _says_frozen(frozen: Sequence[Record]) -> tuple[str, ...]:
    if not frozen:
        return ()
    return (f"{len(frozen):,} others are left out: their originals are in Glacier, and must be restored first.",)


def _follow_batch(batch: Batch | None) -> None:
    if batch is None:
        return
    if batch.name:
        ui.navigate.to(f"/batches/{batch.name}")
    elif batch.count == 1:
        _follow(batch.executions[0])
    else:
        tell(f"Started {batch.count} executions.")


def _follow(execution: str | None) -> None:
    if execution:
        ui.navigate.to(execution_path(execution))


def _tell_redriven(outcome: Outcome) -> None:
    done: list[Redriven] = outcome.done
    if len(done) == 1 and not outcome.problems:
        each = done[0]
        tell(f"It was {each.how}{f': {each.because}' if each.because else ''}.")
        if each.started != each.execution:
            _follow(each.started)
        return
    counts = {how: sum(1 for each in done if each.how == how) for how in ("redriven", "reprocessed", "left")}
    told = ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    _tell(outcome, told, counted=True)


def _tell(outcome: Outcome, what: str, *, counted: bool = False) -> None:
    if outcome.done:
        tell(f"{what}." if counted else f"{len(outcome.done):,} {what}.")
    for problem in outcome.problems[:SAID_AT_MOST]:
        tell(problem, bad=True)
    if len(outcome.problems) > SAID_AT_MOST:
        tell(f"…and {len(outcome.problems) - SAID_AT_MOST} more problems.", bad=True)
