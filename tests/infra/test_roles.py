"""Each function can do its work with the role that it has: on an embedded AWS that enforces every role's policy."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from PIL import Image

from infra.local import assembly, deploy
from tests.infra.conftest import Stage, embedded_aws
from tests.waiting import until

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
        return until(lambda: next((r for r in self.records() if r["key"] == key and r["status"] != "processing"), None))

    def records(self) -> list[dict[str, str]]:
        items = self.client("dynamodb").scan(TableName=self.outputs["TableName"])["Items"]
        plain = ({name: next(iter(value.values())) for name, value in item.items()} for item in items)
        return [item for item in plain if item["sk"] == "record"]

    def keys(self, bucket: str) -> list[str]:
        return [
            found["Key"] for found in self.client("s3").list_objects_v2(Bucket=self.outputs[bucket]).get("Contents", [])
        ]


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
    ended = until(lambda: {states.describe_execution(executionArn=arn)["status"]} - {"RUNNING"})
    assert ended == {"SUCCEEDED"}


def test_a_restored_original_is_gone_on_with(enforcing: Deployed) -> None:
    enforcing.upload("cold/picture.png", picture("maroon"))
    record = enforcing.record("cold/picture.png")
    (key,) = (each for each in enforcing.keys("ArchiveBucket") if record["asset_id"] in each)
    address = {"Bucket": enforcing.outputs["ArchiveBucket"], "Key": key}
    enforcing.client("s3").copy_object(**address, CopySource=address, StorageClass="GLACIER")
    asked = {"asked_at": {"S": "2026-11-23T10:00:00Z"}, "by": {"S": "ada"}, "then_reprocess": {"BOOL": True}}
    enforcing.client("dynamodb").update_item(
        TableName=enforcing.outputs["TableName"],
        Key={"pk": {"S": f"asset#{record['asset_id']}"}, "sk": {"S": "record"}},
        UpdateExpression="SET #restore = :asked",
        ExpressionAttributeNames={"#restore": "restore"},
        ExpressionAttributeValues={":asked": {"M": asked}},
    )
    enforcing.client("s3").restore_object(**address, RestoreRequest={"Days": 1})
    again = until(lambda: [r for r in [enforcing.record("cold/picture.png")] if r["execution"][:8] == "restore-"])
    assert again[0]["status"] == "succeeded"
    assert "restored_until" in again[0]


def test_a_bad_file_is_set_aside(enforcing: Deployed) -> None:
    enforcing.upload("bad/notes.png", b"this is not a picture")
    assert enforcing.record("bad/notes.png")["status"] == "rejected"
    assert [key for key in enforcing.keys("QuarantineBucket") if key.endswith("/notes.png")]


@contextmanager
def deaf(deployed: Deployed, rule: str) -> Iterator[None]:
    """While a rule hears nothing, as if its events were lost."""
    events = deployed.client("events")
    (name,) = (each["Name"] for each in events.list_rules()["Rules"] if rule in each["Name"])
    events.disable_rule(Name=name)
    yield
    events.enable_rule(Name=name)


@contextmanager
def forbidden(deployed: Deployed, function: str, action: str) -> Iterator[None]:
    """While a function's role lacks an action."""
    role = deployed.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"]
    iam, name = deployed.client("iam"), {"RoleName": role.rpartition("/")[2]}
    (policy,) = iam.list_role_policies(**name)["PolicyNames"]
    document = json.dumps(iam.get_role_policy(**name, PolicyName=policy)["PolicyDocument"])
    iam.put_role_policy(**name, PolicyName=policy, PolicyDocument=document.replace(action, "s3:GetBucketTagging"))
    yield
    iam.put_role_policy(**name, PolicyName=policy, PolicyDocument=document)


def sweep(deployed: Deployed) -> dict[str, int]:
    """How much a sweep found, by what it did."""
    event = json.dumps({"older_than_minutes": 0})
    answer = deployed.client("lambda").invoke(FunctionName="sluice-local-sweep", Payload=event)
    report = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, report
    return {did: number for did, number in report["counts"].items() if number}


def test_a_forgotten_file_is_taken_up_by_the_sweep(enforcing: Deployed) -> None:
    with deaf(enforcing, "OnUpload"):
        enforcing.upload("forgotten/picture.png", picture("coral"))
    assert sweep(enforcing) == {"started": 1}
    assert enforcing.record("forgotten/picture.png")["status"] == "succeeded"


def test_a_move_that_was_not_finished_is_finished_by_the_sweep(enforcing: Deployed) -> None:
    states, key = enforcing.client("stepfunctions"), "twice/picture.png"
    with deaf(enforcing, "OnFailure"), forbidden(enforcing, "sluice-local-archive", "s3:DeleteObjectVersion"):
        enforcing.upload(key, picture("plum"))
        arn = enforcing.record(key)["execution_arn"]
        until(lambda: states.describe_execution(executionArn=arn)["status"] == "FAILED")
    assert key in enforcing.keys("IngestBucket")
    assert sweep(enforcing) == {"moved": 1}
    assert key not in enforcing.keys("IngestBucket")
    assert enforcing.record(key)["status"] == "succeeded"


def test_a_failure_that_nobody_heard_of_is_recorded_by_the_sweep(enforcing: Deployed) -> None:
    states, key = enforcing.client("stepfunctions"), "unheard/picture.png"
    failed = {"stateMachineArn": enforcing.outputs["StateMachineArn"], "statusFilter": "FAILED"}
    before = len(states.list_executions(**failed)["executions"])
    with deaf(enforcing, "OnFailure"), forbidden(enforcing, "sluice-local-transform-image", "s3:PutObject"):
        enforcing.upload(key, picture("khaki"))
        until(lambda: len(states.list_executions(**failed)["executions"]) > before)
    assert sweep(enforcing) == {"settled": 1}
    assert enforcing.record(key)["status"] == "failed"


def call_api(enforcing: Deployed, route: str, **more: Any) -> Any:
    """What the api's function answers, called as API Gateway calls it."""
    caller = {"iam": {"userArn": "arn:aws:iam::000000000000:root"}}
    context = {"requestId": "r", "authorizer": caller, "http": {"method": "", "path": ""}}
    event = {"routeKey": route, "requestContext": context, "headers": {"content-type": "application/json"}} | more
    answered = enforcing.client("lambda").invoke(FunctionName="sluice-local-api", Payload=json.dumps(event))
    told = json.loads(answered["Payload"].read())
    assert told.get("statusCode", 500) < 300, told
    return json.loads(told["body"])


def test_the_api_can_do_all_that_it_offers(enforcing: Deployed) -> None:
    wanted = json.dumps({"key": "form/picture.png", "content_type": "image/png"})
    form = call_api(enforcing, "POST /uploads", body=wanted)
    files = {"file": ("picture.png", picture("plum"))}
    assert requests.post(form["url"], data=form["fields"], files=files, timeout=TIMEOUT_SECONDS).status_code == 204
    record = enforcing.record("uploads/form/picture.png")
    for query in ({"key": record["key"]}, {"kind": "image", "limit": "100"}, {"status": "succeeded", "limit": "100"}):
        listed = call_api(enforcing, "GET /assets", queryStringParameters=query)["assets"]
        assert record["asset_id"] in [each["asset_id"] for each in listed]
    asset = {"asset_id": record["asset_id"]}
    assert call_api(enforcing, "GET /assets/{asset_id}", pathParameters=asset)["sha256"]
    started = call_api(enforcing, "POST /executions", body=json.dumps(asset))
    shown = until(lambda: call_api(enforcing, "GET /executions/{execution}", pathParameters=started).get("stopped"))
    assert shown


def test_the_api_cannot_sign_for_another_prefix(enforcing: Deployed) -> None:
    """A form is worth what the role of the function is: this one was made by somebody with the function's keys."""
    role = enforcing.client("lambda").get_function(FunctionName="sluice-local-api")["Configuration"]["Role"]
    keys = enforcing.client("sts").assume_role(RoleArn=role, RoleSessionName="thief")["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=enforcing.client("s3").meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(signature_version="s3v4"),
    )

    def status(key: str) -> int:
        form = s3.generate_presigned_post(enforcing.outputs["IngestBucket"], key)
        files = {"file": ("any", b"any")}
        return requests.post(form["url"], data=form["fields"], files=files, timeout=TIMEOUT_SECONDS).status_code

    assert (status("elsewhere/any.png"), status("uploads/any.png")) == (403, 204)


def test_messages_in_the_queue_are_served_or_set_aside(enforcing: Deployed) -> None:
    enforcing.upload("queue/picture.png", picture("gray"))
    assert enforcing.record("queue/picture.png")["status"] == "succeeded"
    sqs, states = enforcing.client("sqs"), enforcing.client("stepfunctions")
    asked = json.dumps({"bucket": enforcing.outputs["IngestBucket"], "key": "queue/picture.png"})
    for body in (asked, "what is this?"):
        sqs.send_message(QueueUrl=enforcing.outputs["RequestQueueUrl"], MessageBody=body)
    dead_letters = {"QueueUrl": enforcing.outputs["RequestsDlqUrl"]}
    (message,) = until(lambda: sqs.receive_message(**dead_letters).get("Messages"))
    assert message["Body"] == "what is this?"
    arn = enforcing.outputs["StateMachineArn"]

    def served() -> Any:
        ended = states.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")["executions"]
        return [each for each in ended if each["name"].startswith("sqs-")]

    assert len(until(served)) == 1


def test_telemetry_is_taken_in_and_leaves_a_trail(enforcing: Deployed) -> None:
    stream = enforcing.outputs["TelemetryStreamName"]
    enforcing.client("kinesis").put_record(StreamName=stream, Data=b'{"celsius": 20.5}', PartitionKey="one")
    (key,) = until(lambda: {r["key"] for r in enforcing.records() if r["key"].startswith("telemetry/")})
    record = enforcing.record(key)
    assert record["status"] == "succeeded"
    prefix = f"changes/{record['asset_id']}/"
    assert until(lambda: [each for each in enforcing.keys("AuditBucket") if each.startswith(prefix)])


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
