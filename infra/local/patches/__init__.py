"""What makes ministack 1.5.33 behave as AWS documents: one module per defect, each with an `install()`.

A patch replaces private names of the emulator, inside the emulator's own process only. What patches share stands beside
them and has no `install()`. Each patch has a contract test in tests/integration/patches that also runs against the
stock emulator, and fails once a new ministack no longer needs it.
"""

import importlib
import pkgutil


def install_all() -> None:
    for name in sorted(info.name for info in pkgutil.walk_packages(__path__, f"{__name__}.")):
        module = importlib.import_module(name)
        if hasattr(module, "install"):
            module.install()
