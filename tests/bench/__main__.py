"""`python -m tests.bench` measures Sluice against its peers and writes docs/performance.md and its plot.

Every row is measured in one run, by turns; peers are installed into `--folder`, and those that cannot be are named.
With `--quick` it takes a few minutes, and nothing is written.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from infra.functions.sources import PROJECT_ROOT
from tests.bench.peers import Peers
from tests.bench.race import race
from tests.bench.report import Measured, line, placed, plot, section
from tests.bench.rows import rows

PAGE, PLOT = PROJECT_ROOT / "docs" / "performance.md", PROJECT_ROOT / "docs" / "performance.svg"


def main() -> None:
    wanted = _arguments()
    turns = wanted.turns or (1 if wanted.quick else 5)
    peers, measured = Peers(wanted.folder / "peers"), list[Measured]()
    for row in rows(peers, quick=wanted.quick):
        if not wanted.only or wanted.only in row.work:
            results = race(row.contestants, row.files, wanted.folder / "inputs", turns)
            measured.append(Measured(row, results))
            print(line(measured[-1]), flush=True)
    for each in peers.missing:
        print(f"Not measured: {each}.", file=sys.stderr)
    if not (wanted.quick or wanted.only):
        PAGE.write_text(placed(PAGE.read_text(), section(measured, peers.missing, turns)))
        PLOT.write_text(plot(measured))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller files, one turn")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--turns", type=int, default=0, help="how often each contestant has a file")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "sluice-bench"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
