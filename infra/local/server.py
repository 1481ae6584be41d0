"""The embedded AWS's process: ministack with its defects mended, behind our guard. Started by `infra.local.emulator`.

`SLUICE_STOCK_AWS=1` leaves every mend out, for the tests that check that a mend is still needed.
"""

import os
from pathlib import Path

from infra.local import authorizations, mends, side_doors
from infra.local.guard import Guard
from infra.local.stock import app


def main() -> None:
    if os.environ.get("SLUICE_STOCK_AWS") != "1":
        mends.install_all()
    if file := os.environ.get("SLUICE_AUTHORIZATIONS"):
        authorizations.record_to(Path(file))
    side_doors.close()
    app.app = Guard(app.app, int(os.environ["GATEWAY_PORT"]), Path(os.environ["SLUICE_ORIGINS"]))
    app.main()


if __name__ == "__main__":
    main()
