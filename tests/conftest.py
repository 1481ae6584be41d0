"""What every test of the house shares."""

import os
import sys

# Whoever wants no bytecode beside the sources gets none from Sluice, but each of the hundreds of processes that tests
# start would compile all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: packed ones carry the time, and every worker must find the same names."""
    return argname if isinstance(val, bytes) else None
