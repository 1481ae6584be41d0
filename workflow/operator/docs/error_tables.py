"""The tables of errors in docs/operating.md, from what the errors say of themselves."""

import json

from workflow.errors import FAILURES, REJECT_CODES, Explanation, explanations
from workflow.ingest import ingest
from workflow.operator.formatting import table


def reject_codes() -> str:
    rows = ((_names(each), each.means, each.advice) for each in explanations() if each.docs == REJECT_CODES)
    return table(("code", "means", "what to do"), rows)


def failures() -> str:
    """With how often a state tries again what ended so, and the alarm on a single one."""
    found = [each for each in explanations() if each.docs == FAILURES]
    rows = ((_names(each), each.means, each.advice, _retries(each), _alarm(each)) for each in found)
    return table(("error", "means", "what to do", "retried", "alarm"), rows)


def _names(each: Explanation) -> str:
    return ", ".join(each.names)


def _retries(each: Explanation) -> str:
    states = json.loads(ingest(big_files=True).to_json())["States"].values()
    retriers = [retrier for state in states for retrier in state.get("Retry", ())]
    attempts = [found["MaxAttempts"] for found in retriers if set(each.names) & set(found["ErrorEquals"])]
    if not attempts:
        return "–"
    return "once" if max(attempts) == 1 else f"{max(attempts)} times"


def _alarm(each: Explanation) -> str:
    return f"[{each.alert.alarm}](runbook.md#{each.alert.alarm})" if each.alert else "–"
