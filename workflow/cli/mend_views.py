"""How redrives, restores and decisions about rejected files look in a terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tasks.shared.records import Item
from workflow.cli import views


def failed_view(found: Sequence[Item]) -> RenderableType:
    """What a redrive of all that failed would take up."""
    if not found:
        return "Nothing has failed that waits for a redrive."
    made = views.table("execution", "error", "file", "ago")
    for each in found:
        made.add_row(each["execution"], each["error"], each["key"] or "", views.age(each["ended"]))
    errors = Counter(each["error"] for each in found).most_common()
    return Group(made, Text(", ".join(f"{count} {error}" for error, count in errors)))


def redriven_view(rows: Iterable[Item]) -> RenderableType:
    made = views.table("execution", "how", "outcome", "because")
    for each in rows:
        outcome = views.colored(each["outcome"]) if each.get("outcome") else ""
        because = each["because"] or ""
        goes_on = f"; now {each['started']}" if each["started"] != each["execution"] else ""
        made.add_row(each["execution"], views.colored(each["how"]), outcome, f"{because}{goes_on}")
    return made


def queues_view(waiting: Mapping[str, int]) -> RenderableType:
    return views.pairs((queue, f"about {count} messages") for queue, count in waiting.items())


def dead_letters_view(done: Sequence[Item]) -> RenderableType:
    if not done:
        return "The dead-letter queues are empty."
    made = views.table("queue", "event", "about", "sent to", "kept because")
    for each in done:
        made.add_row(
            each["queue"], each["event"] or "", each["about"] or "", each.get("sent_to", ""), each.get("kept", "")
        )
    return made


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
