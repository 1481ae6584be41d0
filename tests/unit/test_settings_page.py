"""docs/settings.md says what the settings' structs say."""

import re

from infra.stages.read import TOPICS
from workflow.operator.docs.settings_page import page


def test_every_setting_has_a_row_that_says_what_it_means():
    for topic, kind in TOPICS.items():
        section = page().split(f"## {topic}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| (\w.+) \|$", section, re.MULTILINE)
        assert [name for name, _means in rows] == list(kind.__struct_encode_fields__)
