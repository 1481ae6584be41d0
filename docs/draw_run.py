"""Draws docs/run.svg from a run of the demo: `uv run sluice demo --json | uv run python docs/draw_run.py`."""

import json
import re
import sys
from pathlib import Path

from rich.console import Console

from workflow.operator.cli.demo import summary

console = Console(record=True, width=120, file=sys.stderr)
console.print("$ uv run sluice demo\n", style="bold")
console.print(summary(json.load(sys.stdin)))
drawing = console.export_svg(title="sluice demo")
offline = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
Path(__file__).with_name("run.svg").write_text(offline)
