"""What a wheel has beside the packages: the pages of docs/, and the exact versions that everything was tested with."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = "workflow/operator/docs/markdown"


class Wheel(BuildHookInterface):
    """An editable install needs neither: it has the checkout, and the versions that uv locks."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        build_data["force_include"] |= {str(page): f"{PAGES}/{page.name}" for page in root.glob("docs/*.md")}
        build_data["dependencies"] += (root / "requirements.txt").read_text().splitlines()
