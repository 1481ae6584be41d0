"""Each function can do its work with the role that it has: on an embedded AWS that enforces every role's policy."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import pytest
from PIL import Image

from infra.local import assembly, deploy
from tests.infra.conftest import Stage, embedded_aws

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Deployed:
    """The local stage on an embedded AWS."""

    client: Callable[[str], Any]
    outputs: dict[str, str]

    def upload(self, key: str, content: bytes) -> None:
        self.client("s3").put_object(Bucket=self.outputs["IngestBucket"], Key=key, Body=content)

    def record(self, key: str) -> dict[str, Any]:
        """The record of the asset that was uploaded as `key`, once it is finished."""
        return eventually(
            lambda: next((r for r in self._records() if r["key"] == key and r["status"] != "processing"), None)
        )

    def _records(self) -> list[dict[str, str]]:
        items = self.client("dynamodb").scan(TableName=self.outputs["TableName"])["Items"]
        plain = ({name: next(iter(value.values())) for name, value in item.items()} for item in items)
        return [item for item in plain if item["sk"] == "record"]

    def keys(self, bucket: str) -> list[str]:
        return [
            found["Key"] for found in self.client("s3").list_objects_v2(Bucket=self.outputs[bucket]).get("Contents", [])
        ]


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while not (found := look()):
        assert monotonic() < deadline, "nothing was found in time"
        sleep(0.05)
    return found


@pytest.fixture(scope="module")
def enforcing(stages: dict[str, Stage], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("enforcing")
    local = stages["local"]
    templates = {name: (local.folder / f"{name}.template.json").read_text() for name in assembly.STACKS}
    with embedded_aws(folder, AUTH="true") as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "templates", lambda _state_dir: templates)
        yield Deployed(client, deploy.deploy(client, folder).outputs)


def picture(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(data, "PNG")
    return data.getvalue()


def test_a_good_file_goes_all_the_way(enforcing: Deployed) -> None:
    enforcing.upload("good/picture.png", picture("teal"))
    assert enforcing.record("good/picture.png")["status"] == "succeeded"
    assert [key for key in enforcing.keys("ArchiveBucket") if key.endswith("/picture.png")]
    assert "good/picture.png" not in enforcing.keys("IngestBucket")


def test_the_same_content_again_takes_over_what_was_made(enforcing: Deployed) -> None:
    for key in ("same/one.png", "same/two.png"):
        enforcing.upload(key, picture("olive"))
        record = enforcing.record(key)
    assert record["status"] == "succeeded"
    assert record["reused_from"] == enforcing.record("same/one.png")["asset_id"]


def test_an_archived_file_can_be_processed_again_by_its_name(enforcing: Deployed) -> None:
    enforcing.upload("again/picture.png", picture("navy"))
    assert enforcing.record("again/picture.png")["status"] == "succeeded"
    states = enforcing.client("stepfunctions")
    by_name = json.dumps({"bucket": enforcing.outputs["IngestBucket"], "key": "again/picture.png"})
    arn = states.start_execution(stateMachineArn=enforcing.outputs["StateMachineArn"], input=by_name)["executionArn"]
    ended = eventually(lambda: {states.describe_execution(executionArn=arn)["status"]} - {"RUNNING"})
    assert ended == {"SUCCEEDED"}


def test_a_bad_file_is_set_aside(enforcing: Deployed) -> None:
    enforcing.upload("bad/notes.png", b"this is not a picture")
    assert enforcing.record("bad/notes.png")["status"] == "rejected"
    assert [key for key in enforcing.keys("QuarantineBucket") if key.endswith("/notes.png")]


def test_without_its_policy_a_function_is_refused_and_the_failure_is_recorded(enforcing: Deployed) -> None:
    """The counterproof to the tests above, and record_failure's own: its role is what lets it write this down."""
    role = enforcing.client("lambda").get_function(FunctionName="sluice-local-notify")["Configuration"]["Role"]
    iam, name = enforcing.client("iam"), role.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    iam.delete_role_policy(RoleName=name, PolicyName=policy)
    enforcing.upload("denied/picture.png", picture("black"))
    record = enforcing.record("denied/picture.png")
    assert record["status"] == "failed"
    assert "AccessDenied" in str(record["reason"])
