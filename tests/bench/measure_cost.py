"""Writes workflow/operator/cost/measured.toml: `python -m tests.bench.measure_cost`, where nothing else runs.

Every file goes through the functions twice, in one process with moto; the second time counts, when all is imported.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from unittest.mock import patch

from moto import mock_aws
from PIL import Image

from infra.functions.sources import PROJECT_ROOT
from infra.local.samples import FOLDER
from tests.unit.cloud import ENVIRONMENT, OUTPUT, TABLE, Cloud, forget_clients, load_function, running_cloud
from tests.unit.meter import Meter, Metered, size_of
from tests.unit.state_machine import Execution, Machine
from workflow.limits import BY_KIND, FUNCTIONS, task_of
from workflow.operator.cost import paths

TARGET = PROJECT_ROOT / "workflow/operator/cost/measured.toml"
SAMPLES = {
    "image": "dandelions.jpg",
    "table": "seattle-weather.csv",
    "video": "big-buck-bunny.mp4",
    "audio": "big-buck-bunny.mp3",
    "document": "notes-with-a-script.pdf",
    "archive": "harvest.zip",
}
FURTHER_FORMATS = {"jpeg": "web.jpg"}
BROKEN = "sunset-cut-off.jpg"
RECORD = "the record"
TASKS = {task for path in (paths.long_video(1), paths.REJECTED) for task in paths.tasks(path)}
COMMON = ("validate", "store_metadata", "notify", "archive")


def larger(kind: str, content: bytes) -> bytes:
    """More of the same, to see what a megabyte costs; b"" where the sample itself tells."""
    if kind == "table":
        head, _, rows = content.partition(b"\n")
        return head + b"\n" + rows * 100
    return scans(5) if kind == "document" else b""


def scans(pages: int) -> bytes:
    """A PDF of pictures, a megabyte or so each."""
    made = [Image.effect_noise((1200, 1600), 60) for _ in range(pages)]
    buffer = BytesIO()
    made[0].save(buffer, "PDF", save_all=True, append_images=made[1:], quality=90)
    return buffer.getvalue()


@contextmanager
def functions() -> Iterator[Mapping[str, Any]]:
    with patch.dict(os.environ, ENVIRONMENT):
        with mock_aws():
            forget_clients()
            loaded = {function: load_function(function) for function in FUNCTIONS if task_of(function)[0] in TASKS}
        yield loaded


def measured(cloud: Cloud, machine: Machine, key: str, content: bytes) -> tuple[Execution, dict[str, Metered]]:
    at, meter = cloud.upload(key, content), Meter(cloud)
    machine.around = meter.around
    with meter.installed():
        execution = machine.run({"bucket": at.bucket, "key": key, "version_id": at.version_id, "trigger": "upload"})
    return execution, meter.used


def warm(loaded: Mapping[str, Any], name: str, content: bytes) -> tuple[Execution, dict[str, Metered], dict[str, int]]:
    """In an empty cloud each time: nothing has the content of what was there before."""
    for _ in range(2):
        with running_cloud() as cloud:
            execution, used = measured(cloud, Machine(loaded), name, content)
            expected = "FAILED" if name == BROKEN else "SUCCEEDED"
            assert execution.status == expected, execution.cause
            made = {key: len(cloud.read(OUTPUT, key)) for key in cloud.keys(OUTPUT)} | record_size(cloud, execution)
    return execution, used, made


def state_bytes(execution: Execution) -> int:
    """What the workflow logs of the data, once; each task's events repeat it."""
    return sum(len(json.dumps(visit.output)) for visit in execution.visits)


def tables(loaded: Mapping[str, Any]) -> Iterator[str]:
    for kind, name in SAMPLES.items():
        content = (FOLDER / name).read_bytes()
        execution, used, made = warm(loaded, name, content)
        if kind == "image":
            yield from (function_table(function, used[function]) for function in COMMON)
        yield from (function_table(f, each) for f, each in used.items() if task_of(f)[0] in BY_KIND)
        more = larger(kind, content)
        again = warm(loaded, f"more-{name}", more)[1][f"transform_{kind}"].cpu_ms if more else 0
        first = used[f"transform_{kind}"].cpu_ms
        size = (len(more) - len(content)) if more else len(content)
        yield kind_table(kind, name, len(content), (again - first if more else first) / size * 1e6, made, execution)
    yield from others(loaded)
    yield from formats(loaded)


def formats(loaded: Mapping[str, Any]) -> Iterator[str]:
    """What each format of images takes besides the one that a stage makes alone."""
    content = (FOLDER / SAMPLES["image"]).read_bytes()
    alone = warm(loaded, SAMPLES["image"], content)[1]["transform_image"].cpu_ms
    for name, suffix in FURTHER_FORMATS.items():
        both = {**loaded, "transform_image": load_function("transform_image", RENDITION_FORMATS=f"webp,{name}")}
        _, used, made = warm(both, SAMPLES["image"], content)
        (size,) = (length for key, length in made.items() if key.endswith(suffix))
        yield f"[formats.{name}]\ncpu_ms = {max(0, used['transform_image'].cpu_ms - alone)}\nbytes = {size}\n"


def others(loaded: Mapping[str, Any]) -> Iterator[str]:
    """What a rejected file and a long video have of their own."""
    used = warm(loaded, BROKEN, (FOLDER / BROKEN).read_bytes())[1]
    yield function_table("quarantine", used["quarantine"])
    impatient = {**loaded, "transform_video": load_function("transform_video", LONG_VIDEO_CPU_SECONDS="0.001")}
    used = warm(impatient, "long.mp4", (FOLDER / SAMPLES["video"]).read_bytes())[1]
    yield from (function_table(function, used[function]) for function in ("split_video", "convert_part", "join_video"))


def function_table(name: str, each: Metered) -> str:
    values = {field: value for field, value in vars(each).items() if field != "invocations" and value}
    values = {field: round(value / each.invocations) for field, value in values.items()}
    return f"[functions.{name}]\n" + "".join(f"{field} = {value}\n" for field, value in values.items())


def kind_table(kind: str, name: str, size: int, per_mb: float, made: Mapping[str, int], execution: Execution) -> str:
    rendition = max(length for key, length in made.items() if key.startswith("renditions/"))
    others = sorted((length for key, length in made.items() if key != RECORD), reverse=True)
    others.remove(rendition)
    return (
        f'[kinds.{kind}]\nsample = "{name}"\nbytes = {size}\ncpu_ms_per_mb = {per_mb:.0f}\n'
        f"rendition_bytes = {rendition}\nother_bytes = {others}\n"
        f"state_bytes = {state_bytes(execution)}\nrecord_bytes = {made[RECORD]}\n"
    )


def record_size(cloud: Cloud, execution: Execution) -> dict[str, int]:
    if execution.status == "FAILED":
        return {}
    key = {"pk": {"S": f"asset#{execution.state['asset']['id']}"}, "sk": {"S": "record"}}
    return {RECORD: size_of(cloud.dynamodb.get_item(TableName=TABLE, Key=key)["Item"])}


def main() -> None:
    with functions() as loaded:
        body = "\n".join(tables(loaded))
    python = ".".join(map(str, sys.version_info[:2]))
    head = (
        "# What each function did for one sample of each kind, warm: CPU milliseconds of one core, its calls to AWS.\n"
        "# Written by `python -m tests.bench.measure_cost`; tests/unit/test_cost_measured.py keeps the counts true.\n"
    )
    TARGET.write_text(f'{head}measured = "{datetime.now(UTC):%Y-%m-%d}"\npython = "{python}"\n\n{body}')


if __name__ == "__main__":
    main()
