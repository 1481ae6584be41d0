"""The same conversion with other tools, each as its users write it: a table to Parquet in zstd, and a profile.

`python tables.py TOOL`; a media type and a path a line. It runs where only the tool is installed.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def duckdb_copy(path: str, target: str, *, is_json: bool) -> None:
    import duckdb  # noqa: PLC0415 - no other tool is there

    source = f"read_json_auto('{path}')" if is_json else f"read_csv('{path}', store_rejects = true)"
    engine = duckdb.connect()
    engine.execute(f"COPY (FROM {source}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def polars(path: str, target: str, *, is_json: bool) -> None:
    import polars as pl  # noqa: PLC0415 - no other tool is there

    table = pl.scan_ndjson(path) if is_json else pl.scan_csv(path, try_parse_dates=True)
    table.sink_parquet(target, compression="zstd")
    made = pl.scan_parquet(target)
    plain = pl.col([name for name, kind in made.collect_schema().items() if not kind.is_nested()])
    counts = [pl.all().null_count().name.suffix(":nulls"), plain.approx_n_unique().name.suffix(":distinct")]
    made.select([*counts, plain.min().name.suffix(":min"), plain.max().name.suffix(":max")]).collect()


def pandas(path: str, target: str, *, is_json: bool) -> None:
    import pandas as pd  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - no other tool is there

    table = pd.read_json(path, lines=True) if is_json else pd.read_csv(path)
    table.to_parquet(target, compression="zstd")
    flat = [name for name in table if not table[name].map(lambda value: isinstance(value, list | dict)).any()]
    table[flat].describe(include="all")


TOOLS: dict[str, Callable[..., None]] = {"duckdb": duckdb_copy, "polars": polars, "pandas": pandas}


def main() -> None:
    for line in sys.stdin:
        media_type, _, path = line.rstrip("\n").partition(" ")
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "made.parquet")
            TOOLS[sys.argv[1]](path, str(target), is_json="json" in media_type)
            print(json.dumps({"bytes": target.stat().st_size}), flush=True)


if __name__ == "__main__":
    main()
