"""The picture of the state machine that the README shows."""

import json
import re

from workflow.diagram import mermaid
from workflow.errors import rejections
from workflow.ingest import ingest

REJECTED = f"rejected ({len(rejections())} codes)"
DRAWN = mermaid(json.loads(ingest().to_json()))


def test_the_picture_has_the_steps_in_a_row() -> None:
    arrows = re.findall(r"(\w+)(?:\(\[\w+\]\))? --> (\w+)", DRAWN)
    row = {before: after for before, after in arrows if before != "Quarantine"}
    steps = ["start"]
    while steps[-1] in row:
        steps.append(row[steps[-1]])
    assert steps == ["start", "Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive", "done"]


def test_the_picture_names_what_leads_away_from_the_row() -> None:
    assert set(re.findall(r'(\w+) -\.->\|"(.+)"\| (\w+)', DRAWN)) == {
        ("Validate", "DuplicateEvent", "Duplicate"),
        ("Validate", REJECTED, "Quarantine"),
        ("Transform", REJECTED, "Quarantine"),
        ("Transform", "LongVideo", "SplitVideo"),
        ("SplitVideo", REJECTED, "Quarantine"),
        ("ConvertVideo", REJECTED, "Quarantine"),
        ("Thumbnail", "ThumbnailError", "StoreMetadata"),
    }


def test_ends_are_styled_by_how_they_end() -> None:
    assert set(re.findall(r"(\w+)\(\[\w+\]\):::(\w+)", DRAWN)) == {
        ("done", "Succeed"),
        ("Duplicate", "Succeed"),
        ("Rejected", "Fail"),
    }
