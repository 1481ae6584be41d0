"""What is written into the repository from code: `poe docs` writes it anew, and a test compares.

Some are whole files; of the others, people write what is around the blocks.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.stages import schema
from tasks.api import openapi
from workflow.diagram import mermaid
from workflow.ingest import ingest
from workflow.operator.cost import page as cost_page
from workflow.operator.cost import svg
from workflow.operator.docs import error_tables, kinds_page, regions_page, settings_page
from workflow.operator.formatting import filled

ROOT = Path(__file__).parents[2]


def _readme(text: str) -> str:
    return filled(text, {"state machine": f"```mermaid\n{mermaid(json.loads(ingest().to_json()))}```"})


def _operating(text: str) -> str:
    return filled(text, {"reject codes": error_tables.reject_codes(), "failures": error_tables.failures()})


WHOLE: Mapping[str, Callable[[], str]] = {
    "docs/cost.svg": lambda: svg.draw(cost_page.typical()),
    "docs/kinds.md": kinds_page.page,
    "docs/openapi.json": openapi.text,
    "docs/regions.md": regions_page.page,
    "docs/settings.md": settings_page.page,
    f"docs/{schema.NAME}": schema.text,
}
BLOCKS: Mapping[str, Callable[[str], str]] = {
    "README.md": _readme,
    "docs/cost.md": cost_page.page,
    "docs/scaling.md": cost_page.scaling_page,
    "docs/operating.md": _operating,
}


def as_it_should_be(name: str) -> str:
    """The content of a file, from what is there and from the code."""
    return WHOLE[name]() if name in WHOLE else BLOCKS[name]((ROOT / name).read_text())


if __name__ == "__main__":
    for name in (*WHOLE, *BLOCKS):
        (ROOT / name).write_text(as_it_should_be(name))
