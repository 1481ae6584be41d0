"""What makes ministack 1.5.33 behave as AWS documents: one module per defect, each with an `install()`.

A mend replaces private names of the emulator, inside the emulator's own process only. What mends share stands beside
them and has no `install()`. Each mend has a contract test in tests/integration/mends that also runs against the
stock emulator, and fails once a new ministack no longer needs it.
"""

import importlib
import pkgutil


def install_all() -> None:
    for name in sorted(info.name for info in pkgutil.walk_packages(__path__, f"{__name__}.")):
        module = importlib.import_module(name)
        if hasattr(module, "install"):
            module.install()
