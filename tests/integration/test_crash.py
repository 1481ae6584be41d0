"""A kill -9 of the whole local stack loses no uploaded object, and every record ends true."""

from collections.abc import Callable

import pytest

from infra.local.samples import FOLDER, SAMPLES
from infra.local.stack import emulator_of
from tasks.shared.records.model import Record
from tests.integration.conftest import LocalStack
from tests.waiting import PATIENCE_SECONDS, told, until
from workflow.operator.client import Sluice, Uploaded
from workflow.operator.uploads import Upload

GOOD = [sample for sample in SAMPLES if sample.outcome == "succeeded"][:4]
BAD = [sample for sample in SAMPLES if sample.outcome == "rejected"]

MOMENTS: dict[str, Callable[[Sluice, list[Uploaded]], bool]] = {
    "right after the upload": lambda _client, _put: True,
    "when the first execution is at work": lambda client, put: any(records(client, put)),
    "when the first file has ended": lambda client, put: any(
        record.status != "processing" for record in records(client, put)
    ),
    "when all files but one have ended": lambda client, put: (
        sum(record.status != "processing" for record in records(client, put)) >= len(put) - 1
    ),
}


def records(client: Sluice, put: list[Uploaded]) -> list[Record]:
    return list(client.records.assets.many(each.asset_id for each in put).values())


@pytest.fixture(scope="module")
def own_stack(start_stack: Callable[[str], LocalStack]) -> LocalStack:
    return start_stack("crashing")


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_everything_in_flight_is_taken_up(own_stack, moment):
    client = own_stack.client
    items = [Upload(sample.path, f"{moment}/{sample.file}") for sample in (*GOOD, *BAD)]
    put = list(client.put(items, lambda _: None))
    until(lambda: MOMENTS[moment](client, put))
    emulator_of(own_stack.state_dir, own_stack.port).kill()
    own_stack.run("up", "--detach", "--port", str(own_stack.port))

    client = own_stack.client
    until(lambda: not client.executions(status="RUNNING"))
    ended = told(client.wait([each.asset_id for each in put], timeout=PATIENCE_SECONDS))
    found = [(ended[each.asset_id]["status"], ended[each.asset_id].get("reason", {}).get("code")) for each in put]
    assert found == [(sample.outcome, sample.reason) for sample in (*GOOD, *BAD)]
    for each in put:
        assert_kept_once(own_stack, each, ended[each.asset_id])


def assert_kept_once(stack: LocalStack, put: Uploaded, record: dict) -> None:
    """The original is where its record says, unchanged, and nowhere else."""
    s3, buckets = stack.connection.s3, stack.client.buckets
    original = record["original"]
    body = s3.get_object(Bucket=original["bucket"], Key=original["key"], VersionId=original["version_id"])["Body"]
    assert body.read() == (FOLDER / put.item.path.name).read_bytes()
    places = (buckets.ingest, buckets.archive, buckets.quarantine)
    assert [place for place in places if holds(s3, place, put)] == [original["bucket"]]
    for file in record.get("renditions", []) + record.get("thumbnails", []):
        assert s3.head_object(Bucket=file["bucket"], Key=file["key"])["ContentLength"] == file["bytes"]


def holds(s3, bucket: str, put: Uploaded) -> bool:
    versions = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    return any(put.asset_id in each["Key"] or each["VersionId"] == put.version_id for each in versions)


def test_a_stop_and_a_start_keep_everything(own_stack):
    before = own_stack.json("assets", "--limit", "100")
    own_stack.run("down")
    own_stack.run("up", "--detach", "--port", str(own_stack.port))
    assert own_stack.json("assets", "--limit", "100") == before
