"""CPU time and memory of the table kind. On demand: pytest -m bench -n0 -s."""

import datetime as dt
import gzip
import json
import random
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MAX_PEAK_MB = 512

CHILD = '''
import json, sys, time
from pathlib import Path
from tasks.transform.table import prove, transform
from tasks.shared.work import Original, Recipe

def peak_mb():
    """Of this process: ru_maxrss would begin with the peak of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

path, media_type, scratch = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
scratch.mkdir()
started = time.process_time()
original, recipe = Original(path, path.name, media_type, scratch), Recipe(partition_by=sys.argv[4])
rendered = transform(original, recipe)
prove(original, rendered, recipe)
disk_mb = sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file()) / 2**20
cost = {"peak_mb": peak_mb(), "cpu_s": time.process_time() - started, "disk_mb": disk_mb}
print(json.dumps(cost | {"rows": rendered.facts["rows"], "bad_rows": rendered.facts["bad_rows"]}))
'''


def measure(path: Path, media_type: str, partition_by: str = "") -> dict:
    command = [sys.executable, "-c", CHILD, str(path), media_type, str(path.parent / "scratch"), partition_by]
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    cost = json.loads(child.stdout)
    told = f"{cost['cpu_s']:.1f} s CPU, {cost['peak_mb']:.0f} MB, {cost['disk_mb']:.0f} MB of disk"
    print(f"{path.name}, {path.stat().st_size / 1e6:.0f} MB: {told}")
    return cost


def orders(rows: int) -> list[str]:
    chance, start = random.Random(1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    return [
        f"{at * 7919 % 99_999_989},{start + dt.timedelta(seconds=at * 37):%Y-%m-%d %H:%M:%S},"
        f"{chance.choice(('DE', 'FR', 'GB', 'JP', 'US'))},{chance.lognormvariate(4, 1):.2f},"
        f'{chance.randrange(10**9):09d},"{chance.choice(("paid", "open, late", "sent"))} no {at % 1000}"\n'
        for at in range(rows)
    ]


HEADER = "id,ordered,country,amount,phone,remark\n"


def write_large(path: Path, megabytes: int, broken_lines: int = 0) -> int:
    """The number of rows: blocks of the same rows, and lines that lack cells."""
    block = "".join(orders(200_000))
    blocks = megabytes * 1_000_000 // len(block) + 1
    with path.open("w") as file:
        file.write(HEADER)
        for _ in range(blocks):
            file.write(block)
        file.write("1,2\n" * broken_lines)
    return blocks * 200_000


COPY = """
import sys, time, duckdb
engine = duckdb.connect(config={"threads": 1})
engine.execute("SET enable_progress_bar = false")
started = time.process_time()
engine.execute(f"COPY (FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[1]}.parquet' (FORMAT parquet, COMPRESSION zstd)")
print(time.process_time() - started)
"""
MAX_TIMES_A_COPY = 3.0


def test_csv_costs_little_more_than_a_copy_by_the_engine(tmp_path):
    """Types that keep every value, rejects, profile and proof included; medians of three runs by turns."""
    path, ours, theirs = tmp_path / "clean.csv", [], []
    write_large(path, 106)
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", COPY, str(path)], check=True, capture_output=True, text=True)
        theirs.append(float(done.stdout))
        ours.append(measure(path, "text/csv")["cpu_s"])
        shutil.rmtree(tmp_path / "scratch")
    times = statistics.median(ours) / statistics.median(theirs)
    print(f"{times:.2f} times DuckDB's own COPY ({statistics.median(theirs):.1f} s)")
    assert times < MAX_TIMES_A_COPY


def test_a_gigabyte_of_csv_fits_in_512_mb(tmp_path):
    path = tmp_path / "clean.csv"
    rows = write_large(path, 1000)
    cost = measure(path, "text/csv")
    assert cost["rows"] == rows
    assert cost["peak_mb"] < MAX_PEAK_MB


def test_a_gigabyte_that_has_to_be_put_right_fits_in_512_mb(tmp_path):
    path = tmp_path / "broken.csv"
    rows = write_large(path, 1000, broken_lines=1000)
    cost = measure(path, "text/csv")
    assert (cost["rows"], cost["bad_rows"]) == (rows, 1000)
    assert cost["peak_mb"] < MAX_PEAK_MB


def test_a_gigabyte_of_packed_ndjson_fits_in_512_mb(tmp_path):
    path = tmp_path / "log.ndjson.gz"
    lines = "".join(
        json.dumps({"id": at, "time": f"2024-01-01T00:{at % 60:02}:00Z", "tags": ["a", "b"], "text": row[:40]}) + "\n"
        for at, row in enumerate(orders(200_000))
    )
    blocks = 1_000_000_000 // len(lines)
    with gzip.open(path, "wt", compresslevel=1) as file:
        for _ in range(blocks):
            file.write(lines)
    cost = measure(path, "application/x-ndjson+gzip")
    assert cost["rows"] == blocks * 200_000
    assert cost["peak_mb"] < MAX_PEAK_MB


def test_fifteen_hundred_columns_fit_in_512_mb(tmp_path):
    path = tmp_path / "wide.csv"
    header = ",".join(f"c{at}" for at in range(1500))
    row = ",".join(str(at * 1.5) for at in range(1500))
    path.write_text(f"{header}\n" + f"{row}\n" * 5000)
    cost = measure(path, "text/csv")
    assert cost["rows"] == 5000
    assert cost["peak_mb"] < MAX_PEAK_MB
