"""What every test of the house shares."""

import os
import sys

from hypothesis import settings

# Whoever wants no bytecode beside the sources gets none from Sluice, but each of the hundreds of processes that tests
# start would compile all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Inputs made at random are the same ones each time: other ones are looked for on demand, with `pytest -m generated`.
settings.register_profile("sluice", derandomize=not os.environ.get("SLUICE_EXAMPLES"))
settings.load_profile("sluice")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: packed ones carry the time, and every worker must find the same names."""
    return argname if isinstance(val, bytes) else None
