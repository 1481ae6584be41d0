"""What `sluice doctor` found of one thing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One check; `advice` says what to do where it is not ok. `ok` is None where nobody could tell."""

    check: str
    ok: bool | None
    found: str
    advice: str = ""
