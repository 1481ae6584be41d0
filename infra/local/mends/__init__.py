"""What makes ministack 1.5.33 behave as AWS documents: one module per defect, each with an `install()`.

A mend replaces private names of the emulator, inside the emulator's own process only. Each has a contract test in
tests/integration/mends that also runs against the stock emulator, and fails once a new ministack no longer needs it.
"""

import importlib
import pkgutil
from typing import Protocol, cast


class Mend(Protocol):
    def install(self) -> None: ...


def install_all() -> None:
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        mend = cast("Mend", importlib.import_module(f"{__name__}.{module}"))
        mend.install()
