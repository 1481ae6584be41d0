"""What `sluice cost` takes for granted is what happens: the states of each path, and each function's requests."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.local.samples import FOLDER
from tests.bench.measure_cost import BROKEN, COMMON, FURTHER_FORMATS, SAMPLES
from tests.unit.cloud import ARCHIVE, OUTPUT, Cloud, load_function
from tests.unit.meter import Meter, Metered
from tests.unit.state_machine import DEFINITION, Execution, Machine
from workflow.limits import BY_KIND, FUNCTIONS
from workflow.operator.cost import paths
from workflow.operator.cost.measured import measured

COUNTS = ("s3_writes", "s3_reads", "record_changes", "table_reads", "publishes", "events")


@pytest.fixture
def meter(cloud: Cloud, machine: Machine) -> Iterator[Meter]:
    meter = Meter(cloud)
    machine.around = meter.around
    with meter.installed():
        yield meter


def run(cloud: Cloud, machine: Machine, name: str, **wanted: str) -> Execution:
    at = cloud.upload(name, (FOLDER / name).read_bytes())
    return machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload", **wanted})


@pytest.fixture
def impatient(machine: Machine) -> Machine:
    """Takes every video for a long one."""
    transform = load_function("transform_video", LONG_VIDEO_CPU_SECONDS="0.001")
    return replace(machine, functions={**machine.functions, "transform_video": transform})


def transitions(execution: Execution) -> int:
    """States entered, those within a Map for each of its items."""
    parts = execution.state.get("split_video", {}).get("parts", []) if isinstance(execution.state, dict) else []
    return len(execution.path) + len(parts)


def assert_as_measured(used: dict[str, Metered]) -> None:
    for function, each in used.items():
        listed = measured().functions[function]
        counted = {name: round(getattr(each, name) / each.invocations) for name in COUNTS}
        # What all kinds share is listed as their average: Validate reads the end of some and not of others.
        apart = 1 if function in COMMON else 0
        assert counted == pytest.approx({name: getattr(listed, name) for name in COUNTS}, abs=apart), function
        # A record's size depends on the kind, on names and digits, and a write is charged by the kilobyte.
        assert each.table_writes / each.invocations == pytest.approx(listed.table_writes, rel=0.4), function


@pytest.mark.parametrize("kind", SAMPLES)
def test_file_that_succeeds(cloud: Cloud, machine: Machine, meter: Meter, kind: str) -> None:
    execution = run(cloud, machine, SAMPLES[kind])
    assert tuple(execution.path) == paths.SUCCEEDED
    assert_as_measured(meter.used)


def test_file_that_is_rejected(cloud: Cloud, machine: Machine, meter: Meter) -> None:
    execution = run(cloud, machine, BROKEN)
    assert tuple(execution.path) == paths.REJECTED
    assert_as_measured({name: each for name, each in meter.used.items() if name == "quarantine"})


def test_event_that_is_delivered_again(cloud: Cloud, machine: Machine) -> None:
    first = run(cloud, machine, SAMPLES["image"])
    asset = first.state["asset"]["source"]
    again = machine.run(
        {"bucket": asset["bucket"], "key": asset["key"], "version_id": asset["version_id"], "trigger": "upload"}
    )
    assert tuple(again.path) == paths.DUPLICATE


def test_asset_that_is_processed_again_costs_what_a_new_one_does(cloud: Cloud, machine: Machine) -> None:
    run(cloud, machine, SAMPLES["image"])
    ((key, version),) = cloud.versions(ARCHIVE)
    again = machine.run({"bucket": ARCHIVE, "key": key, "version_id": version, "trigger": "reprocess"})
    assert tuple(again.path) == paths.SUCCEEDED


def test_long_video_takes_three_states_more_and_one_for_each_part(
    cloud: Cloud, impatient: Machine, meter: Meter
) -> None:
    impatient.around = meter.around
    execution = run(cloud, impatient, SAMPLES["video"])
    parts = len(execution.state["split_video"]["parts"])
    assert execution.status == "SUCCEEDED"
    assert transitions(execution) == len(paths.long_video(parts)) == len(paths.SUCCEEDED) + 3 + parts
    assert list(dict.fromkeys(execution.path)) == list(paths.long_video(0))
    assert_as_measured({name: meter.used[name] for name in ("split_video", "convert_part", "join_video")})


def test_paths_visit_every_state_that_there_is() -> None:
    visited = {*paths.long_video(1), *paths.REJECTED, *paths.DUPLICATE}
    assert visited == {*DEFINITION["States"], "ConvertPart"}


@pytest.mark.parametrize("name", FURTHER_FORMATS)
def test_a_further_format_of_images_is_one_more_file(cloud: Cloud, machine: Machine, meter: Meter, name: str) -> None:
    transform = load_function("transform_image", RENDITION_FORMATS=f"webp,{name}")
    both = replace(machine, functions={**machine.functions, "transform_image": transform})
    both.around = meter.around
    run(cloud, both, SAMPLES["image"])
    assert meter.used["transform_image"].s3_writes == measured().functions["transform_image"].s3_writes + 1
    (made,) = (key for key in cloud.keys(OUTPUT) if key.endswith(FURTHER_FORMATS[name]))
    assert len(cloud.read(OUTPUT, made)) == pytest.approx(measured().formats[name].bytes, rel=0.02)


def test_every_function_of_the_paths_was_measured() -> None:
    tasks = {task for path in (paths.long_video(1), paths.REJECTED) for task in paths.tasks(path)}
    wanted = {f"{task}_{kind}" if task in BY_KIND else task for task in tasks for kind in SAMPLES}
    assert wanted == set(measured().functions)
    assert wanted <= set(FUNCTIONS)
