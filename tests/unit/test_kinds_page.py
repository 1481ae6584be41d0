"""docs/kinds.md says what the tables say."""

from tasks.kinds import KINDS
from tasks.kinds_page import PAGE, page
from workflow.errors import rejections


def test_page_is_the_one_that_is_generated():
    assert PAGE.read_text() == page(), "write it again: python -m tasks.kinds_page"


def test_every_format_and_every_code_has_a_row():
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    names = [*(each.label for kind in KINDS.values() for each in kind.formats.values()), *rejections()]
    assert all(any(row.startswith(f"| {name} |") for row in rows) for name in names)
