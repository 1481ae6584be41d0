"""The README's picture of the state machine is drawn from the definition."""

import json
import re
from pathlib import Path

from workflow.diagram import mermaid
from workflow.errors import rejections
from workflow.ingest import ingest

README = Path(__file__).parents[2] / "README.md"
REJECTED = f"rejected ({len(rejections())} codes)"
DRAWN = mermaid(json.loads(ingest().to_json()))


def test_the_readme_shows_the_state_machine_as_it_is() -> None:
    block = re.search(r"<!-- state machine -->(.*)<!-- /state machine -->", README.read_text(), re.DOTALL)
    assert block, "README.md has no place for the picture"
    assert block[1].strip() == f"```mermaid\n{DRAWN}```", "put there what this prints: python -m workflow.diagram"


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
