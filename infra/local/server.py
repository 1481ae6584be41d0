"""The embedded AWS's process: ministack with its defects patched, behind our guard. Started by `infra.local.emulator`.

`SLUICE_STOCK_AWS=1` leaves every patch out, for the tests that check that a patch is still needed.
"""

import os
from pathlib import Path

from infra.local import authorizations, patches, side_doors
from infra.local.guard import Guard
from infra.local.ministack import app


def main() -> None:
    if os.environ.get("SLUICE_STOCK_AWS") != "1":
        patches.install_all()
    if file := os.environ.get("SLUICE_AUTHORIZATIONS"):
        authorizations.record_to(Path(file))
    side_doors.close()
    app.app = Guard(app.app, int(os.environ["GATEWAY_PORT"]), Path(os.environ["SLUICE_ORIGINS"]))
    app.main()


if __name__ == "__main__":
    main()
