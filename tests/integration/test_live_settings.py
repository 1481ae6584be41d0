"""Settings that operators change on the real local stack: the functions go by them without a deployment."""

from itertools import count
from typing import Any

from infra.local.samples import FOLDER
from tests.integration.conftest import LocalStack
from tests.waiting import until
from workflow.uploads import Upload, upload

PICTURE = FOLDER / "fig-cut-out.png"


def test_lowered_limit_turns_files_away_until_it_is_taken_back(stack: LocalStack) -> None:
    stack.run("settings", "--set", "max_bytes.image=1000")
    rejected = until(lambda: next((each for each in [outcome(stack)] if each["status"] == "rejected"), None))
    assert rejected["reason"]["code"] == "TooLarge"
    assert "not raised" in stack.run("settings", "--set", "max_bytes.image=300MiB", expect=1).stderr
    assert stack.json("settings")["settings"] == {"max_bytes": {"image": 1000}}
    stack.run("settings", "--set", "max_bytes.image=")
    assert stack.json("settings")["settings"] == {}
    until(lambda: outcome(stack)["status"] == "succeeded")
    stack.run("release", rejected["asset_id"], "--why", "the limit was raised", "--wait")


numbers = count()


def outcome(stack: LocalStack) -> Any:
    """What becomes of the picture: what was changed reaches the functions a second later."""
    key, s3 = f"limited/{next(numbers)}.png", stack.connection.s3
    upload(s3, stack.client.buckets.ingest, Upload(PICTURE, key), lambda _: None)

    def ended() -> Any:
        found = (each for each in stack.json("assets", "--limit", "100") if each["key"] == key)
        return next((each for each in found if each["status"] != "processing"), None)

    return stack.json("asset", until(ended)["asset_id"])
