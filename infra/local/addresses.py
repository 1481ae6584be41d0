"""Addresses of the embedded AWS: its own, and where a command finds the one that runs on a state folder."""

import json
from pathlib import Path

HEALTH_PATH = "/_ministack/health"
SAVE_PATH = "/_sluice/save"
"""POST here saves the state; answered when it is on disk."""

ENDPOINT_FILE = "endpoint.json"


def endpoint_in(state_dir: Path) -> str | None:
    """The endpoint that `up` left in the state folder, and `down` takes away."""
    try:
        return json.loads((state_dir / ENDPOINT_FILE).read_text())["endpoint"]
    except FileNotFoundError:
        return None
