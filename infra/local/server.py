"""The embedded AWS's process: ministack with its defects mended. Started by `infra.local.emulator`.

`SLUICE_STOCK_AWS=1` leaves every mend out, for the tests that check that a mend is still needed.
"""

import os
from pathlib import Path

from ministack import app

from infra.local import authorizations, mends


def main() -> None:
    if os.environ.get("SLUICE_STOCK_AWS") != "1":
        mends.install_all()
    if file := os.environ.get("SLUICE_AUTHORIZATIONS"):
        authorizations.record_to(Path(file))
    app.main()


if __name__ == "__main__":
    main()
