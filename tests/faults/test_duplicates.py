"""Events come twice, late or in the wrong order, and people start executions besides: the effect is that of one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tasks.shared.naming import asset_id
from tests.faults.world import ACCEPTED, REFUSED, World
from tests.unit.cloud import ARCHIVE, INGEST, OUTPUT
from tests.unit.images import encoded, quarters, sample
from workflow import PIPELINE_VERSION

WorldOf = Callable[..., AbstractContextManager[World]]
DUPLICATE = ["Validate", "Duplicate"]


@pytest.mark.parametrize("steps", range(1, 6))
@pytest.mark.parametrize("trigger", ["upload", "manual"])
def test_second_execution_steps_aside_while_the_first_is_at_work(world_of, steps, trigger):
    with world_of(ACCEPTED) as world:
        first = world.machine.start(world.event())
        for _ in range(steps):
            first.step()
        wanted = world.event() if trigger == "upload" else world.by_hand()
        assert world.machine.run(wanted).path == DUPLICATE
        first.run()
        world.check_succeeded()


def test_second_execution_steps_aside_while_the_first_sets_a_file_aside(world_of):
    with world_of(REFUSED) as world:
        first = world.machine.start(world.event())
        first.step()
        assert world.deliver().path == DUPLICATE
        first.run()
        world.check_rejected()


def test_repeated_event_after_the_end_changes_nothing(world_of):
    with world_of(ACCEPTED) as world:
        world.deliver()
        before, made = world.record, world.made()
        assert world.deliver().path == DUPLICATE
        assert world.record == before
        assert world.made() == made
        assert len(world.cloud.announced()) == 1


def test_processing_again_by_hand_makes_the_same_and_tells_nobody_twice(world_of):
    with world_of(ACCEPTED) as world:
        world.deliver()
        before, made = world.record, world.made()
        again = world.machine.run(world.by_hand())
        assert again.status == "SUCCEEDED"
        assert world.made() == made
        assert unchanging(world.record) == unchanging(before)
        assert len(world.cloud.announced()) == 1
        world.check_succeeded()


def test_rejected_file_is_rejected_again_and_stays_where_it_is(world_of):
    with world_of(REFUSED) as world:
        world.deliver()
        before = world.record
        again = world.machine.run(world.by_hand())
        assert (again.path[-1], again.error) == ("Rejected", "ForbiddenType")
        assert world.record["original"] == before["original"]
        assert len(world.cloud.announced()) == 1
        world.check_rejected()


def unchanging(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record tells of the file and not of the execution."""
    telling = {"attempts", "execution", "execution_arn", "timings", "updated_at"}
    return {name: value for name, value in record.items() if name not in telling}


def test_newer_version_of_a_key_stays_current_when_its_event_came_first(world_of):
    with world_of(ACCEPTED) as world:
        newer = world.cloud.upload(world.upload.key, sample("PNG"))
        start_version(world, newer.version_id, "0055AED6DCD90281E6")
        start_version(world, world.upload.version_id, "0055AED6DCD90281E5")
        newest = asset_id(INGEST, newer.key, str(newer.version_id))
        assert world.records.current.of_key(INGEST, newer.key) == newest
        assert {record.status for record in world.records.assets.many([world.asset, newest]).values()} == {"succeeded"}
        assert len(world.cloud.keys(ARCHIVE)) == 2


def start_version(world: World, version_id: str | None, sequencer: str) -> None:
    assert world.machine.run(world.event(version_id=version_id, sequencer=sequencer)).status == "SUCCEEDED"


def test_older_version_is_archived_and_the_newer_one_is_left_alone(world_of):
    with world_of(ACCEPTED) as world:
        newer = world.cloud.upload(world.upload.key, sample("PNG"))
        world.deliver()
        assert world.places() == [ARCHIVE]
        assert world.cloud.exists(INGEST, newer.key, newer.version_id)


# the same content twice


def upload_duplicate(world: World) -> tuple[str, dict[str, Any]]:
    """The same bytes under another key, processed; its asset id and what became of it."""
    duplicate = world.cloud.upload("copies/same.jpg", world.data)
    assert world.machine.run({"bucket": INGEST, "key": duplicate.key}).status == "SUCCEEDED"
    found = asset_id(INGEST, duplicate.key, str(duplicate.version_id))
    return found, world.cloud.record(found)


def test_same_content_is_rendered_once(world_of):
    with world_of(ACCEPTED) as world:
        world.deliver()
        duplicate, record = upload_duplicate(world)
        assert record["reused_from"] == world.asset
        assert [record[name] for name in ("renditions", "thumbnails", "facts")] == [
            world.record[name] for name in ("renditions", "thumbnails", "facts")
        ]
        assert [key for key in world.cloud.keys(OUTPUT) if duplicate in key] == [f"metadata/{duplicate}/sidecar.json"]
        assert record["original"]["key"] == f"copies/{duplicate}/same.jpg"


@pytest.mark.parametrize("missing", ["renditions", "thumbnails", "technical"])
def test_same_content_is_rendered_again_where_something_of_the_first_is_missing(world_of, missing):
    with world_of(ACCEPTED) as world:
        world.deliver()
        listed = world.record[missing]
        file = listed if missing == "technical" else listed[0]
        world.cloud.s3.delete_object(Bucket=file["bucket"], Key=file["key"])
        duplicate, record = upload_duplicate(world)
        assert "reused_from" not in record
        assert f"renditions/{duplicate}/{PIPELINE_VERSION}-webp-2048/web.webp" in world.cloud.keys(OUTPUT)


def test_asset_processed_again_after_its_model_is_gone_no_longer_names_it(world_of):
    with world_of(ACCEPTED) as world:
        world.deliver()
        world.cloud.s3.delete_object(Bucket=OUTPUT, Key=world.record["renditions"][0]["key"])
        duplicate, _ = upload_duplicate(world)
        world.machine.run(world.by_hand())
        assert world.record["reused_from"] == duplicate
        world.cloud.s3.delete_object(Bucket=OUTPUT, Key=f"renditions/{duplicate}/{PIPELINE_VERSION}-webp-2048/web.webp")
        world.machine.run(world.by_hand())
        assert "reused_from" not in world.record
        assert world.record["renditions"][0]["key"] == f"renditions/{world.asset}/{PIPELINE_VERSION}-webp-2048/web.webp"


def test_other_content_under_the_same_key_is_not_reused(world_of):
    with world_of(ACCEPTED) as world:
        world.deliver()
        other = world.cloud.upload(world.upload.key, encoded(quarters(64, 96)))
        world.machine.run(world.event(version_id=other.version_id, sequencer="0055AED6DCD90281E9"))
        record = world.cloud.record(asset_id(INGEST, other.key, str(other.version_id)))
        assert "reused_from" not in record
        assert len(world.cloud.announced()) == 2
