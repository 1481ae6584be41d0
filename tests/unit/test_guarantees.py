"""docs/guarantees.md names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "guarantees.md").read_text()


def test_every_guarantee_names_tests_that_exist() -> None:
    source = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE))
    rows = [line for line in PAGE.splitlines() if line.startswith(("| **", "| …"))]
    named = [set(re.findall(r"`(test_\w+)`", row)) for row in rows]
    assert len(rows) > 10
    assert all(named)
    assert set().union(*named) - there == set()
