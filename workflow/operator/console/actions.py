"""What a person can do from the console: each is confirmed with what will happen and what it costs, then told."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from msgspec import structs
from nicegui import ui

from tasks.shared.records.model import Listed, Record
from tasks.sweep.report import Did
from workflow.errors import InputError
from workflow.glacier import Tier, is_frozen
from workflow.operator import previews
from workflow.operator.client import parse_uri
from workflow.operator.console import listing
from workflow.operator.console.dialogs import Busy, Field, Progress, Question, Watch, about, confirm, tell
from workflow.operator.console.frame import Console
from workflow.operator.console.live import ask, sentence
from workflow.operator.console.widgets import execution_path, size, took
from workflow.operator.operations import own_input
from workflow.operator.operations.dead_letters import Queue, discard_dead_letters, queues, redrive_dead_letters
from workflow.operator.operations.estimate import Estimate, estimate
from workflow.operator.operations.live_settings import change, written
from workflow.operator.operations.live_settings import planned as planned_settings
from workflow.operator.operations.quarantine import discard, release
from workflow.operator.operations.redrive import Redriven, redrive
from workflow.operator.operations.reprocess import Batch, reprocess, resume, stop, usual_concurrency
from workflow.operator.operations.restore import RestorePrice, price_of_restore, restore
from workflow.operator.operations.select import Readable
from workflow.operator.operations.stop import AtWork, Running, at_work
from workflow.operator.operations.stop import stop as stop_execution
from workflow.operator.operations.sweep import sweep
from workflow.operator.patience import PROBLEMS
from workflow.operator.releases import Releases
from workflow.operator.stack import NotThereError
from workflow.shapes import ExecutionInput

T = TypeVar("T")
P = ParamSpec("P")

SAID_AT_MOST = 3
AT_ONCE = 8
CENT = 0.01
READABLE_DAYS = 7
ADDRESS = "s3://bucket/key"
VERSION = "version (optional, else the newest)"
INPUT = "input"


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


def of_the_page(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """What it shows belongs to the page: the button that was clicked may be drawn anew before the end."""

    @wraps(work)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with ui.context.client.content:
            return await work(*args, **kwargs)

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
        records = await self._of_status(chosen, "failed")
        if records:
            causes = previews.causes((each.reason.code, each.reason.state) for each in records if each.reason)
            await self.redrive_executions([each.execution for each in records], causes)

    @of_the_page
    async def redrive_executions(self, names: Sequence[str], causes: str = "") -> None:
        """Continue executions where they stopped."""
        answer = await confirm(about(previews.of_redrive(len(names), causes)))
        if answer is not None:
            outcome = await self._each(partial(redrive, self._sluice, **self._who(answer)), names)
            _tell_redriven(outcome)
            self._watch([each.started for each in outcome.done if each.how in {"redriven", "reprocessed"}])

    @of_the_page
    async def stop_matching(self, wanted: AtWork) -> None:
        """Stop all executions that are at work and match."""
        found = await self._try(partial(at_work, self._sluice, wanted))
        if found:
            await self.stop_executions(found)
        elif found is not None:
            tell("No running execution matches.")

    @of_the_page
    async def stop_executions(self, found: Sequence[Running]) -> None:
        """Stop running executions."""
        answer = await confirm(about(previews.of_stop(found), why="needed", dangerous=True))
        if answer is not None:
            names = [each.execution for each in found]
            outcome = await self._each(partial(stop_execution, self._sluice, **self._who(answer)), names)
            counts = Counter(each.how for each in outcome.done)
            left = [f"{each.execution} was left: {each.because}." for each in outcome.done if each.how == "left"]
            _tell(Outcome(outcome.done, [*outcome.problems, *left]), _told(counts), counted=True)

    @of_the_page
    async def restore(self, chosen: Chosen) -> None:
        """Ask S3 for readable copies of originals in Glacier."""
        readable, frozen = await self._by_reach(chosen)
        if frozen:
            await self._restore(frozen)
        elif readable:
            tell("These originals can be read at once: reprocess them without a restore.", bad=True)

    async def _restore(self, records: Sequence[Record]) -> None:
        priced = await self._try(partial(self._prices, records))
        if priced is None:
            return
        answer = await confirm(about(previews.of_restore(priced, days=READABLE_DAYS), choices=tuple(priced)))
        if answer is not None:
            wanted = {**self._who(answer), "tier": answer["choice"], "days": READABLE_DAYS}
            _tell(await self._each(partial(restore, self._sluice, **wanted), records), "asked for")

    def _prices(self, records: Sequence[Record]) -> dict[str, RestorePrice]:
        """By each tier that at least one of them can be had by; without any, by the usual one, which says why."""
        priced = {str(tier): price_of_restore(self._sluice, records, tier=tier, days=READABLE_DAYS) for tier in Tier}
        return {tier: each for tier, each in priced.items() if each.count} or {Tier.STANDARD: priced[Tier.STANDARD]}

    @of_the_page
    async def release(self, chosen: Chosen) -> None:
        """Let rejected files be checked again."""
        records = await self._of_status(chosen, "rejected")
        if not records:
            return
        answer = await confirm(about(previews.of_release(len(records)), why="needed"))
        if answer is not None:
            _tell(await self._each(partial(release, self._sluice, **self._who(answer)), records), "released")

    @of_the_page
    async def discard(self, chosen: Chosen) -> None:
        """Let rejected originals go."""
        records = await self._of_status(chosen, "rejected")
        if not records:
            return
        answer = await confirm(about(previews.of_discard(len(records)), why="needed", dangerous=True))
        if answer is not None:
            _tell(await self._each(partial(discard, self._sluice, **self._who(answer)), records), "discarded")

    @of_the_page
    async def start_by_hand(self) -> None:
        """Start an execution for any object in ingest, archive or quarantine."""
        answer = await confirm(
            Question(
                "Start an execution manually",
                ("The original is found wherever it is now. It costs one execution.",),
                "Start",
                asks=(Field(ADDRESS, address_problem), Field(VERSION)),
            )
        )
        if answer is not None:
            bucket, key = parse_uri(answer[ADDRESS].strip())
            wanted = ExecutionInput(bucket=bucket, key=key, version_id=answer[VERSION].strip() or None)
            _follow(await self._try(partial(self._start, wanted, answer["why"])))

    @of_the_page
    async def start_with_input(self) -> None:
        """Start an execution with an input that a person has written."""
        sample = {"bucket": self._sluice.buckets.ingest, "key": "photos/cat.jpg", "force": False}
        answer = await confirm(
            Question(
                "Start an execution with your own input",
                (
                    "JSON as Step Functions gets it: bucket and key are enough, version_id picks a version.",
                    "The original is found wherever it is now. It costs one execution.",
                ),
                "Start",
                asks=(Field(INPUT, input_problem, json.dumps(sample, indent=2), several_lines=True),),
            )
        )
        if answer is not None:
            _follow(await self._try(partial(self._start, own_input(answer[INPUT]), answer["why"])))

    def _start(self, wanted: ExecutionInput, why: str) -> str:
        return self._sluice.start(structs.replace(wanted, by=self._console.by, why=why or wanted.why))

    # the stage

    @of_the_page
    async def redrive_letters(self, queue: str | None = None, ids: Sequence[str] = ()) -> bool:
        """Send dead letters again: some, those of a queue, or all; whether it was tried."""
        waiting = await self._try(partial(self._waiting, queue))
        if waiting is None:
            return False
        answer = await confirm(about(previews.of_sending_again(waiting, _meant(waiting, ids)), why=""))
        if answer is None:
            return False
        with Busy("Redriving"):
            sent = await self._try(
                partial(redrive_dead_letters, self._sluice, queue, by=self._console.by, ids=ids or None)
            )
        if sent is not None:
            kept = [f"{each.queue}: {each.kept}" for each in sent if each.kept is not None]
            done = [each for each in sent if each.kept is None]
            _tell(Outcome(done, kept), "sent again")
        return True

    @of_the_page
    async def discard_letters(self, queue: str, ids: Sequence[str] = ()) -> bool:
        """Take dead letters out of a queue; whether it was tried."""
        waiting = await self._try(partial(self._waiting, queue))
        if waiting is None:
            return False
        preview = previews.of_discarding(queue, _meant(waiting, ids))
        answer = await confirm(about(preview, why="needed", dangerous=True))
        if answer is None:
            return False
        with Busy("Discarding"):
            gone = await self._try(
                partial(discard_dead_letters, self._sluice, queue, **self._who(answer), ids=ids or None)
            )
        if gone is not None:
            kept = [f"{each.queue}: {each.kept}" for each in gone if each.kept is not None]
            _tell(Outcome([each for each in gone if each.kept is None], kept), "discarded")
        return True

    def _waiting(self, queue: str | None) -> list[Queue]:
        return [each for each in queues(self._sluice) if queue in {None, each.name}]

    @of_the_page
    async def roll_back(self, to: int) -> None:
        """Give all new executions to a version."""
        releases = Releases(self._sluice.aws)
        planned = await self._try(partial(releases.planned, to))
        if planned is None:
            return
        if await confirm(about(previews.of_rollback(planned), why="")) is not None:
            switch = await self._try(partial(releases.roll_back, to))
            if switch:
                tell(previews.switched(switch))

    @of_the_page
    async def cancel_deployment(self) -> None:
        """Let CloudFormation undo a deployment that is under way."""
        if await confirm(about(previews.OF_CANCELLING, why="", dangerous=True)) is not None:
            cancelled = await self._try(Releases(self._sluice.aws).cancel_deployment)
            if cancelled is not None:
                tell(previews.CANCELLED if cancelled else previews.NOT_CANCELLED)

    @of_the_page
    async def change_settings(self, changes: Sequence[str]) -> bool:
        """Change live settings, as `sluice settings --set` does; whether it was done."""
        found = await self._try(lambda: planned_settings(written(self._sluice), changes))
        if found is None:
            return False
        if not found:
            tell("Nothing would change.")
            return False
        if await confirm(about(previews.of_settings(found), why="")) is None:
            return False
        if await self._try(partial(change, self._sluice, changes)) is None:
            return False
        tell(f"Changed. {previews.REACHES}")
        return True

    @of_the_page
    async def sweep_now(self) -> None:
        """Have the sweeper look."""
        if await confirm(about(previews.OF_SWEEP, why="")) is None:
            return
        with Busy("Sweeping"):
            report = await self._try(partial(sweep, self._sluice))
        if report:
            counts = Counter[str]({did: count for did, count in report.counts.items() if count})
            found = f"It found {_told(counts)}" if counts else "Nothing was wrong"
            tell(f"Looked at {report.looked_at:,}. {found}.", bad=bool(counts[Did.TROUBLE]))

    @of_the_page
    async def resume_batch(self, name: str) -> None:
        """Go on with what a batch left undone."""
        says = ("Assets that succeeded are skipped; those that failed are processed again.",)
        answer = await confirm(Question(f"Resume batch {name}?", says, "Resume"))
        if answer is not None:
            _follow_batch(await self._try(partial(resume, self._sluice, name, by=self._console.by)))

    @of_the_page
    async def stop_batch(self, name: str) -> None:
        """Let a batch start nothing more."""
        says = ("No more executions are started, and running ones are stopped. The batch can be resumed.",)
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

    async def _of_status(self, chosen: Chosen, status: str) -> list[Record]:
        """Those that something can be done with; that there is none is told."""
        found = [each for each in await self._load(chosen) if each.status == status]
        if not found:
            tell(f"None of these is {status}.", bad=True)
        return found

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


def _meant(waiting: Sequence[Queue], ids: Sequence[str]) -> int:
    """How many messages: those that were chosen, or about all."""
    return len(ids) or sum(each.messages or 0 for each in waiting)


def _count(records: Sequence[Record]) -> str:
    return records[0].key if len(records) == 1 else f"{len(records):,} assets"


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
    elif batch.problems:
        _tell(Outcome(list(batch.executions), list(batch.problems.values())), "started")
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
    counts = Counter(each.how for each in done) + Counter({"refused": len(outcome.problems)})
    _tell(outcome, _told(counts), counted=True)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {how}" for how, count in counts.most_common())


def address_problem(text: str) -> str | None:
    """What is wrong with an object's address."""
    try:
        parse_uri(text.strip())
    except NotThereError as exc:
        return str(exc)
    return None


def input_problem(text: str) -> str | None:
    """What is wrong with an execution's input; it names the field."""
    try:
        own_input(text)
    except InputError as exc:
        return str(exc)
    return None


def _tell(outcome: Outcome, what: str, *, counted: bool = False) -> None:
    if outcome.done or counted:
        tell(f"{what}." if counted else f"{len(outcome.done):,} {what}.")
    for problem in outcome.problems[:SAID_AT_MOST]:
        tell(problem, bad=True)
    if len(outcome.problems) > SAID_AT_MOST:
        tell(f"…and {len(outcome.problems) - SAID_AT_MOST} more problems.", bad=True)
