"""docs/kinds.md says what the tables say."""

from workflow.errors import rejections
from workflow.kinds import KINDS
from workflow.limits import FUNCTIONS, task_of
from workflow.operator.docs.kinds_page import page


def test_every_format_and_every_code_has_a_row():
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    names = [*(each.label for kind in KINDS.values() for each in kind.formats.values()), *rejections()]
    assert all(any(row.startswith(f"| {name} |") for row in rows) for name in names)


def test_every_kind_has_its_facts_and_every_code_that_only_some_kinds_have_is_told_there():
    text = page()
    sections = {name: text.split(f"## {name}\n")[1].split("\n## ")[0] for name in KINDS}
    assert all(word in section for section in sections.values() for word in ("**Limits**", "**Reject codes**"))
    told = {code for code in rejections() if any(code in section for section in sections.values())}
    assert set(rejections()) - told == {"FolderMarker", "NameTooLong", "ForbiddenType"}


def test_every_function_of_a_kind_is_shown_with_its_limits():
    for function in FUNCTIONS:
        task, kind = task_of(function)
        if kind:
            limits = FUNCTIONS[function]
            row = f"| {task}_{kind} | {limits.memory_mb:,} | {limits.timeout_seconds} | {limits.scratch_mb:,} |"
            assert row in page()
