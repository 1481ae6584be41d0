"""Goes over folders of files and says in docs/results.md how each ended: `python -m tests.corpus FOLDER ...`.

Each file goes through the states' own code, in a child that is stopped after --seconds. Beside a folder, a JSON file
of its name may say what is known of its files: {"name": {"checks": {...}}}.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.corpus.children import STOPPED, Case, Child, Result
from tests.corpus.judge import ESCAPED, NO_PREVIEW, NOT_PROVEN, REJECTED, SUCCEEDED

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
ENDS = (SUCCEEDED, REJECTED, NO_PREVIEW, NOT_PROVEN, ESCAPED, STOPPED)
MAX_SAID_CHARS = 160
INTRODUCTION = (
    "Written by `python -m tests.corpus FOLDER ...`, which takes every file of the folders through the states' own",
    "code: validated, transformed, proven, searched for what is private, and drawn. A file is right if what was made",
    "of it is proven, and what is known of it is so; of most files nothing else is known.",
    "",
)


def cases(folders: Iterable[Path]) -> Iterator[Case]:
    for folder in folders:
        known = known_of(folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                checks = known.get(str(path.relative_to(folder)), {}).get("checks", {})
                yield Case(path, str(path.relative_to(folder.parent)), checks)


def known_of(folder: Path) -> dict[str, Any]:
    beside = folder.with_name(f"{folder.name}.json")
    return json.loads(beside.read_text()) if beside.is_file() else {}


def judged(all_cases: list[Case], *, seconds: float, processes: int, minutes: float) -> Iterator[Result]:
    """As they come, in any order; none is begun after so many minutes."""
    children: SimpleQueue[Child] = SimpleQueue()
    for _ in range(processes):
        children.put(Child(seconds))
    end = time.monotonic() + 60 * minutes

    def work(case: Case) -> Result | None:
        child = children.get()
        try:
            return child.judge(case) if time.monotonic() < end else None
        finally:
            children.put(child)

    with ThreadPoolExecutor(processes) as pool:
        yield from filter(None, pool.map(work, random.Random(0).sample(all_cases, len(all_cases))))
    while not children.empty():
        children.get().stop()


def page(results: list[Result], there_were: int) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield from INTRODUCTION
    yield f"Of {datetime.now(UTC):%Y-%m-%d}, commit {commit()}."
    yield ""
    yield from table("folder", results, lambda result: result.case.name.partition("/")[0])
    yield from table("kind", results, lambda result: result.outcome["kind"])
    codes = Counter(each.outcome["said"].partition(":")[0] for each in results if each.outcome["end"] == REJECTED)
    yield "Rejected as: " + ", ".join(f"{code} {count:,}" for code, count in codes.most_common()) + "."
    yield ""
    known = sum(bool(result.case.checks) for result in results)
    yield f"Of {known:,} files it is known what they should become."
    if len(results) < there_were:
        yield f"Of {there_were:,} files, {len(results):,} at random were taken in the time that there was."
    yield ""
    yield "## Neither right nor refused rightly"
    yield ""
    yield from listed([each for each in results if each.is_wrong])
    silent = [each for each in results if each.outcome["is_to_be_looked_at"]]
    if silent:
        yield ""
        yield "## Nothing was said, where there was to be a word or the right result"
        yield ""
        yield from listed(silent)


def commit() -> str:
    git = shutil.which("git") or "git"
    command = [git, "-C", str(PAGE.parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def listed(results: list[Result]) -> Iterator[str]:
    if not results:
        yield "None."
        return
    yield "| file | kind | end | what is said |"
    yield "| --- | --- | --- | --- |"
    for each in sorted(results, key=lambda each: each.case.name):
        said = "; ".join([*each.outcome["faults"], each.outcome["said"]]).strip("; ")
        cell = " ".join(said.replace("|", "\\|").split())[:MAX_SAID_CHARS]
        yield f"| {each.case.name} | {each.outcome['kind']} | {each.outcome['end']} | {cell} |"


def table(title: str, results: list[Result], group: Any) -> Iterator[str]:
    counts: dict[str, Counter[str]] = {}
    for result in results:
        found = counts.setdefault(group(result), Counter())
        found.update([result.outcome["end"], "files"])
        found["wrong"] += result.is_wrong
    yield f"| {title} | files | {' | '.join(ENDS)} | neither right nor refused rightly |"
    yield "| --- |" + " ---: |" * (len(ENDS) + 2)
    for name in sorted(counts):
        cells = (counts[name][end] for end in ("files", *ENDS, "wrong"))
        yield f"| {name} | {' | '.join(f'{count:,}' if count else '–' for count in cells)} |"
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=120, help="for each file")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--to", type=Path, default=PAGE, help="the page that is written")
    parser.add_argument("--minutes", type=float, default=600, help="after which no file is begun")
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="gets a line of JSON for each file")
    options = parser.parse_args()
    all_cases = [*cases(options.folders)]
    limits = {"seconds": options.seconds, "processes": options.processes, "minutes": options.minutes}
    found = []
    with options.log.open("w") as log:
        for result in judged(all_cases, **limits):
            found.append(result)
            line = {"file": result.case.name, "seconds": round(result.seconds, 2), **result.outcome}
            print(json.dumps(line, ensure_ascii=False), file=log, flush=True)
    options.to.write_text("\n".join([*page(found, len(all_cases)), ""]))


if __name__ == "__main__":
    main()
