"""How redrives, restores and decisions about rejected files look in a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tasks.shared.records import Item
from workflow.operator.cli import views
from workflow.operator.formatting import age, size
from workflow.operator.operations.restore import RestorePrice


def failed_view(found: Sequence[Item]) -> RenderableType:
    """What a redrive of all that failed would take up: by cause, then the latest of them by name."""
    if not found:
        return "Nothing has failed that waits for a redrive."
    made = views.table("execution", "error", "file", "ago")
    for each in found[: views.NAMED_AT_MOST]:
        made.add_row(each["execution"], _cause(each), each["key"] or "", age(each["ended"]))
    left_out = (
        f"The latest {views.NAMED_AT_MOST} of {len(found):,}; --json has all. "
        if len(found) > views.NAMED_AT_MOST
        else ""
    )
    return Group(_causes_view(found), Text(), made, Text(f"{left_out}{_how_to_go_on(found[0])}"))


def _how_to_go_on(latest: Item) -> str:
    where = f" --state {latest['state']}" if latest["state"] else ""
    return (
        f"`sluice execution {latest['execution']}` says more of one. When its cause is mended: "
        f"`sluice redrive --error {latest['error']}{where} --wait`."
    )


def _causes_view(found: Sequence[Item]) -> RenderableType:
    """How many failed of each cause, and what the latest of them said."""
    made = views.table("failed", "error", "state", "latest", "said")
    latest = {_cause(each): each for each in reversed(found)}
    for cause, count in _counted(found):
        each = latest[cause]
        made.add_row(f"{count:,}", each["error"], each["state"] or "", age(each["ended"]), each["message"])
    return made


def _counted(found: Sequence[Item]) -> list[tuple[str, int]]:
    return Counter(map(_cause, found)).most_common()


def _cause(each: Item) -> str:
    return f"{each['error']} in {each['state']}" if each["state"] else each["error"]


def redriven_view(rows: Sequence[Item]) -> RenderableType:
    """The counts, and by name those of which there is more to say, or all where they are few."""
    made = views.table("execution", "how", "outcome", "because")
    named = rows if len(rows) <= views.NAMED_AT_MOST else [each for each in rows if not _well(each)]
    for each in named:
        outcome = views.colored(each["outcome"]) if each.get("outcome") else ""
        because = each["because"] or ""
        goes_on = f"; now {each['started']}" if each["started"] != each["execution"] else ""
        made.add_row(each["execution"], views.colored(each["how"]), outcome, f"{because}{goes_on}")
    return Group(made, Text(_redriven_told(rows))) if named else Text(_redriven_told(rows))


def _well(each: Item) -> bool:
    return each["how"] == "redriven" and each.get("outcome") in {None, "succeeded"}


def _redriven_told(rows: Sequence[Item]) -> str:
    done = Counter(each["how"] for each in rows)
    ends = Counter(each["outcome"] for each in rows if each.get("outcome"))
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


def restores_view(found: Iterable[Item]) -> RenderableType:
    made = views.table("asset", "file", "class", "restore", "then")
    for each in found:
        if "problem" in each:
            made.add_row(each["ref"], "", "", Text(each["problem"], "red"), "")
            continue
        takes = "" if each["state"] == "readable" else f", {each['takes']}"
        then = each["execution"] or ("processed again" if each["then_reprocess"] else "")
        made.add_row(each["asset_id"], each["key"], each["storage_class"], f"{each['state']}{takes}", then)
    return made


def releases_view(found: Iterable[Item]) -> RenderableType:
    made = views.table("asset", "file", "execution", "outcome")
    for each in found:
        outcome = Text(each["problem"], "red") if "problem" in each else views.colored(each.get("outcome", "started"))
        made.add_row(each.get("asset_id") or each["ref"], each.get("key", ""), each.get("execution", ""), outcome)
    return made


def discards_view(found: Iterable[Item]) -> RenderableType:
    made = views.table("asset", "file", "")
    for each in found:
        told = Text(each["problem"], "red") if "problem" in each else views.colored(each["status"])
        made.add_row(each.get("asset_id") or each["ref"], each.get("key", ""), told)
    return made
