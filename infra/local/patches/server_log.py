"""Keeps the server's own log short: what is older than its last megabytes goes, twice that at most is kept.

Defect: the emulator writes a line for every request, for ever. Its output is a file that whoever started it opened for
appending, so that the file can be emptied while it is written to.
"""

import os
import shutil
import sys
import threading
from pathlib import Path

from infra.local.ministack import app, persistence
from workflow.units import MIB

LIMIT_BYTES = 8 * MIB
CHECK_SECONDS = 10.0


def install() -> None:
    log = Path(persistence.STATE_DIR).parent / "server.log"
    if log.exists() and os.path.samestat(log.stat(), os.fstat(sys.stdout.fileno())):
        threading.Thread(target=keep_short, args=(log,), daemon=True).start()


def keep_short(log: Path) -> None:
    pause = threading.Event()
    while not pause.wait(CHECK_SECONDS):
        try:
            rotate(log)
        except OSError:
            app.logger.exception("The log could not be rotated; the next round tries again")


def rotate(log: Path) -> None:
    """Moves what is there aside, over what was moved aside before."""
    if log.stat().st_size > LIMIT_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
