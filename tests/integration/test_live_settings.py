"""Settings that operators change on the real local stack: the functions go by them without a deployment."""

from itertools import count

from infra.local.samples import FOLDER
from tasks.shared.naming import asset_id
from tasks.shared.records.model import Record
from tests.integration.conftest import LocalStack
from tests.waiting import until
from workflow.operator.operations.live_settings import change
from workflow.operator.uploads import Upload, upload

PICTURE = FOLDER / "fig-cut-out.png"

numbers = count()


def outcome(stack: LocalStack) -> Record:
    """The record of a picture, once it has ended: what was changed reaches the functions a second later."""
    sluice, key = stack.client, f"limited/{next(numbers)}.png"
    version = upload(sluice.aws.s3, sluice.buckets.ingest, Upload(PICTURE, key), lambda _: None)
    asset = asset_id(sluice.buckets.ingest, key, version)
    return until(lambda: ended(sluice.records.assets.get(asset)))


def ended(record: Record | None) -> Record | None:
    return None if record is None or record.status == "processing" else record


def test_lowered_limit_turns_files_away_until_it_is_taken_back(stack: LocalStack) -> None:
    shown = stack.json("settings", "--set", "max_bytes.image=1000", "--yes")
    assert shown["settings"] == {"max_bytes": {"image": 1000}}
    rejected = until(lambda: next((each for each in [outcome(stack)] if each.status == "rejected"), None))
    assert rejected.code == "TooLarge"
    change(stack.client, ["max_bytes.image="])
    until(lambda: outcome(stack).status == "succeeded")
    stack.run("release", rejected.asset_id, "--why", "the limit was raised", "--wait")
