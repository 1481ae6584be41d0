"""Everything that the pipeline is there for, done once on a stage that enforces its roles: who then needs what is seen.

A flow that a function of its own serves belongs here too: `test_least_privilege` names what no flow has used.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from boto3.dynamodb.types import TypeSerializer

from infra.local.samples import FOLDER
from tasks.shared.naming import asset_id
from tests.infra.enforcing import Enforcing, picture
from tests.receiver import opened_webhook, receiving
from tests.unit.movies import Movie, counting
from tests.unit.sounds import encoded
from tests.waiting import until
from workflow.operator.client import Sluice
from workflow.operator.releases import Releases
from workflow.operator.stack import LOCAL, Connection
from workflow.operator.uploads import Upload

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes for a part that is not the last."""
LONG = "long.mp4"
BATCH = "batch"


@dataclass(frozen=True)
class Uploads:
    """A file of each kind, and a video that counts as long on the stage that `enforcing_stage` makes."""

    files: Mapping[str, bytes]
    folder: Path

    def under(self, prefix: str) -> dict[str, bytes]:
        return {f"{prefix}/{name}": content for name, content in self.files.items()}


def uploads(folder: Path) -> Uploads:
    """Small ones: what the roles may do does not depend on it."""
    videos = {
        "short.mp4": Movie([*counting(5)]),
        LONG: Movie([*counting(100)], rate=5, options={"g": "25"}),
    }
    others = {
        "teal.png": picture("teal"),
        "tone.mp3": encoded("MP3"),
        "numbers.csv": b"a,b\n1,2\n",
        "notes.pdf": (FOLDER / "notes-with-a-script.pdf").read_bytes(),
        "inner.zip": packed({"a.csv": b"a,b\n1,2\n"}),
    }
    return Uploads(others | {name: movie.write(folder / name).read_bytes() for name, movie in videos.items()}, folder)


def packed(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def each_kind_is_taken_in(stage: Enforcing, made: Uploads) -> None:
    upload_all(stage, made.under("first"))
    until(lambda: {key.rpartition("/")[2] for key in stage.keys("ArchiveBucket")} >= set(made.files))
    until(lambda: not [key for key in stage.keys("IngestBucket") if key.startswith("first/")])


def upload_all(stage: Enforcing, files: Mapping[str, bytes]) -> None:
    for key, content in files.items():
        stage.put("IngestBucket", key, content, Tagging="owner=ada")
    statuses = {key: stage.record(key)["status"] for key in files}
    assert set(statuses.values()) == {"succeeded"}, statuses


def known_content_takes_over_what_was_made(stage: Enforcing, made: Uploads) -> None:
    upload_all(stage, made.under("same"))
    assert stage.record("same/teal.png")["reused_from"] == stage.record("first/teal.png")["asset_id"]


def lose_what_was_made(stage: Enforcing) -> None:
    """So that the next flow makes it again, and takes over nothing."""
    for key in stage.keys("OutputBucket"):
        stage.client("s3").delete_object(Bucket=stage.outputs["OutputBucket"], Key=key)


def each_kind_comes_out_of_an_archive(stage: Enforcing, made: Uploads) -> None:
    lose_what_was_made(stage)
    content = {name: data for name, data in made.files.items() if name != "inner.zip"}
    inner = {"inner.zip": packed({"b.csv": b"a,b\n5,6\n"})}
    stage.put("IngestBucket", "zip/all.zip", packed(content | inner | {"never.txt": b"MZ" + bytes(200)}))
    for name in (*content, *inner):
        record = until(lambda name=name: finished_child(stage, f"all.zip/{name}"))
        assert record["status"] == "succeeded", record


def finished_child(stage: Enforcing, ending: str) -> dict[str, Any] | None:
    records = (r for r in stage.records() if r["key"].endswith(ending) and r["key"].startswith("zip/"))
    return next((record for record in records if record["status"] != "processing"), None)


def each_kind_is_processed_again_from_the_archive(stage: Enforcing, made: Uploads) -> None:
    lose_what_was_made(stage)
    for record in finished(stage, made.under("first")):
        again(stage, "ArchiveBucket", original(record)["key"])


def each_kind_is_processed_again_from_quarantine(stage: Enforcing, made: Uploads) -> None:
    """As if an older version had refused them all."""
    lose_what_was_made(stage)
    s3 = stage.client("s3")
    for record in finished(stage, made.under("same")):
        at = {"Bucket": original(record)["bucket"], "Key": original(record)["key"]}
        s3.copy_object(Bucket=stage.outputs["QuarantineBucket"], Key=at["Key"], CopySource=at)
        s3.delete_object(**at)
        again(stage, "QuarantineBucket", at["Key"])


def finished(stage: Enforcing, keys: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    return (stage.record(key) for key in keys)


def original(record: dict[str, Any]) -> dict[str, str]:
    return {name: next(iter(value.values())) for name, value in record["original"].items()}


def again(stage: Enforcing, bucket: str, key: str) -> None:
    ended = stage.execution(bucket=stage.outputs[bucket], key=key)
    assert ended["status"] == "SUCCEEDED", ended


def anything_is_processed_again_by_its_name(stage: Enforcing, _made: Uploads) -> None:
    again(stage, "IngestBucket", "first/teal.png")
    child = finished_child(stage, "all.zip/teal.png")
    assert child
    again(stage, "ExpandedBucket", child["key"])


def bad_files_are_set_aside(stage: Enforcing, _made: Uploads) -> None:
    stage.put("IngestBucket", "bad/notes.png", b"this is not a picture", Tagging="owner=ada")
    upload_in_parts(stage, "bad/parts.png", [b"x" * PART_BYTES, b"x"])
    assert {stage.record(key)["status"] for key in ("bad/notes.png", "bad/parts.png")} == {"rejected"}
    assert [key for key in stage.keys("QuarantineBucket") if key.endswith("/notes.png")]
    inside = packed({"notes.png": b"this is not a picture either"})
    stage.put("IngestBucket", "zip/bad.zip", inside)
    assert until(lambda: finished_child(stage, "bad.zip/notes.png"))["status"] == "rejected"


def upload_in_parts(stage: Enforcing, key: str, parts: list[bytes]) -> None:
    s3, at = stage.client("s3"), {"Bucket": stage.outputs["IngestBucket"], "Key": key}
    upload = at | {"UploadId": s3.create_multipart_upload(**at, Tagging="owner=ada")["UploadId"]}
    etags = [s3.upload_part(**upload, PartNumber=n, Body=part)["ETag"] for n, part in enumerate(parts, 1)]
    done = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})


def a_stopped_execution_is_recorded(stage: Enforcing, _made: Uploads) -> None:
    stage.stop("stopped/picture.png", picture("salmon"))
    assert stage.record("stopped/picture.png")["status"] == "failed"


def the_api_is_asked_for_everything(stage: Enforcing, _made: Uploads) -> None:
    wanted = json.dumps({"key": "form/picture.png", "content_type": "image/png"})
    form = stage.call_api("POST /uploads", body=wanted)
    files = {"file": ("picture.png", picture("plum"))}
    assert requests.post(form["url"], data=form["fields"], files=files, timeout=60).status_code == 204
    record = stage.record("uploads/form/picture.png")
    for query in ({"key": record["key"]}, {"kind": "image", "limit": "100"}, {"status": "succeeded", "limit": "100"}):
        listed = stage.call_api("GET /assets", queryStringParameters=query)["assets"]
        assert record["asset_id"] in [each["asset_id"] for each in listed]
    asset = {"asset_id": record["asset_id"]}
    assert stage.call_api("GET /assets/{asset_id}", pathParameters=asset)["sha256"]
    started = stage.call_api("POST /executions", body=json.dumps(asset))
    until(lambda: stage.call_api("GET /executions/{execution}", pathParameters=started).get("stopped"))


def messages_are_served_or_set_aside(stage: Enforcing, _made: Uploads) -> None:
    sqs = stage.client("sqs")
    asked = json.dumps({"bucket": stage.outputs["IngestBucket"], "key": "first/teal.png"})
    for body in (asked, "what is this?"):
        sqs.send_message(QueueUrl=stage.outputs["RequestQueueUrl"], MessageBody=body)
    (message,) = until(lambda: sqs.receive_message(QueueUrl=stage.outputs["RequestsDlqUrl"]).get("Messages"))
    assert message["Body"] == "what is this?"
    until(lambda: [each for each in stage.executions() if ":sqs-" in each])


def answers_are_lost_after_the_work_was_done(stage: Enforcing, _made: Uploads) -> None:
    """Step Functions then calls the function again with the same input; what it did must not hinder it."""
    stage.put("IngestBucket", "lost/picture.png", picture("olive"))
    uploaded = [stage.record(key) for key in ("lost/picture.png", "same/teal.png", "bad/notes.png")]
    unpacked = [
        until(lambda end=end: finished_child(stage, end)) for end in ("all.zip/numbers.csv", "bad.zip/notes.png")
    ]
    for record in (*uploaded, *unpacked):
        (call,) = calls(stage, record["execution_arn"], "quarantine" if record["status"] == "rejected" else "archive")
        assert "errorType" not in repeat(stage, call)


def an_overtaken_execution_is_told_so(stage: Enforcing, _made: Uploads) -> None:
    stage.put("IngestBucket", "overtaken/picture.png", picture("navy"))
    record = stage.record("overtaken/picture.png")
    again(stage, "ArchiveBucket", original(record)["key"])
    (call,) = calls(stage, record["execution_arn"], "store-metadata")
    refused = repeat(stage, call)
    assert refused.get("errorType") == "DuplicateEvent", refused


def calls(stage: Enforcing, execution_arn: str, function: str) -> list[dict[str, Any]]:
    """Of an execution: which version of the function, with which payload."""
    return [each for each in stage.calls(execution_arn) if f":sluice-local-{function}:" in each["FunctionName"]]


def repeat(stage: Enforcing, call: dict[str, Any]) -> Any:
    payload = json.dumps(call["Payload"])
    answer = stage.client("lambda").invoke(FunctionName=call["FunctionName"], Payload=payload)
    return json.loads(answer["Payload"].read())


def an_original_that_is_gone_is_called_gone(stage: Enforcing, _made: Uploads) -> None:
    at = original(stage.record("zip/all.zip"))
    stage.client("s3").delete_object(Bucket=at["bucket"], Key=at["key"])
    ended = stage.execution(bucket=at["bucket"], key=at["key"])
    assert ended["error"] == "ObjectNotFound", ended


def telemetry_is_taken_in_and_leaves_a_trail(stage: Enforcing, _made: Uploads) -> None:
    """What is not JSON is set aside."""
    stream, kinesis = stage.outputs["TelemetryStreamName"], stage.client("kinesis")
    for data in (b'{"celsius": 20.5}', b"what is this?"):
        kinesis.put_record(StreamName=stream, Data=data, PartitionKey="one")
    key = until(lambda: next((r["key"] for r in stage.records() if r["key"].startswith("telemetry/")), None))
    prefix = f"changes/{stage.record(key)['asset_id']}/"
    until(lambda: [each for each in stage.keys("AuditBucket") if each.startswith(prefix)])


def what_was_forgotten_is_started_by_the_sweep(stage: Enforcing, _made: Uploads) -> None:
    with stage.deaf("OnUpload"):
        stage.put("IngestBucket", "forgotten/picture.png", picture("coral"))
    assert stage.swept()["forgotten/picture.png"] == "started"
    assert stage.record("forgotten/picture.png")["status"] == "succeeded"


def a_failure_that_nobody_heard_of_is_recorded_by_the_sweep(stage: Enforcing, _made: Uploads) -> None:
    with stage.deaf("OnFailure"):
        stage.stop("unrecorded/picture.png", picture("orchid"))
    assert stage.swept()["unrecorded/picture.png"] == "settled"
    assert stage.record("unrecorded/picture.png")["status"] == "failed"


def half_a_move_is_finished_by_the_sweep(stage: Enforcing, made: Uploads) -> None:
    """Also where the copy of an original is lost: then all is done again."""
    good, bad = stage.record("first/teal.png"), stage.record("bad/notes.png")
    teal, notes = made.files["teal.png"], b"this is not a picture"
    half_moved(stage, "IngestBucket", "half/teal.png", teal, good)
    half_moved(stage, "ExpandedBucket", "half/inside.zip/teal.png", teal, good)
    half_moved(stage, "IngestBucket", "half/notes.png", notes, bad)
    half_moved(stage, "IngestBucket", "lost/teal.png", teal, good, original="lost.png")
    half_moved(stage, "IngestBucket", "lost/notes.png", notes, bad, original="lost.png")
    did = stage.swept()
    assert {did[key] for key in ("half/teal.png", "half/inside.zip/teal.png", "half/notes.png")} == {"moved"}
    assert {did[key] for key in ("lost/teal.png", "lost/notes.png")} == {"started"}
    assert not {"half/teal.png", "half/notes.png"} & set(stage.keys("IngestBucket"))


def half_moved(
    stage: Enforcing, bucket: str, key: str, content: bytes, like: dict[str, Any], original: str | None = None
) -> None:
    """An upload that has ended as another one of the same content did, and that was not removed."""
    table, name = {"TableName": stage.outputs["TableName"]}, stage.outputs[bucket]
    with stage.deaf("OnUpload"):
        version = stage.client("s3").put_object(Bucket=name, Key=key, Body=content)["VersionId"]
    asset = asset_id(name, key, version)
    at = {"pk": {"S": f"asset#{like['asset_id']}"}, "sk": {"S": "record"}}
    item = stage.client("dynamodb").get_item(**table, Key=at)["Item"]
    own = {"pk": f"asset#{asset}", "asset_id": asset, "bucket": name, "key": key, "version_id": version}
    if original:
        item["original"]["M"]["key"]["S"] = original
    for told in item["announced"]["M"].values():
        told["S"] = told["S"].replace(like["asset_id"], asset)
    stage.client("dynamodb").put_item(**table, Item=item | {field: {"S": value} for field, value in own.items()})


def a_restored_original_is_gone_on_with(stage: Enforcing, _made: Uploads) -> None:
    stage.put("IngestBucket", "cold/picture.png", picture("maroon"))
    record = stage.record("cold/picture.png")
    at = {"Bucket": original(record)["bucket"], "Key": original(record)["key"]}
    stage.client("s3").copy_object(**at, CopySource=at, StorageClass="GLACIER")
    asked = {"tier": "Bulk", "days": 1, "asked_at": "2026-11-23T10:00:00Z", "by": "ada", "then_reprocess": True}
    stage.client("dynamodb").update_item(
        TableName=stage.outputs["TableName"],
        Key={"pk": {"S": f"asset#{record['asset_id']}"}, "sk": {"S": "record"}},
        UpdateExpression="SET #restore = :asked",
        ExpressionAttributeNames={"#restore": "restore"},
        ExpressionAttributeValues={":asked": TypeSerializer().serialize(asked)},
    )
    stage.client("s3").restore_object(**at, RestoreRequest={"Days": 1})
    again = until(lambda: [r for r in [stage.record("cold/picture.png")] if r["execution"].startswith("restore-")])
    assert again[0]["status"] == "succeeded"
    until(lambda: "restored_until" in stage.record("cold/picture.png"))


def many_are_processed_again_in_a_batch(stage: Enforcing, _made: Uploads) -> None:
    """One of them is no longer there: it fails before it has a record of the attempt."""
    picture = stage.record("first/teal.png")
    fields = ("asset_id", "bucket", "key", "version_id")
    there = {name: picture[name] for name in fields}
    gone = {"asset_id": "0" * 32, "bucket": stage.outputs["IngestBucket"], "key": "gone.png", "version_id": "gone"}
    key = f"reprocess/{BATCH}/manifest.jsonl"
    stage.put("OperationsBucket", key, "\n".join(map(json.dumps, (there, gone))).encode())
    manifest = {"bucket": stage.outputs["OperationsBucket"], "key": key}
    how = {"concurrency": 2, "tolerate_percent": 100, "by": "ada", "why": ""}
    wanted = {"manifest": manifest, "batch": BATCH, **how}
    ended = stage.executed("ReprocessStateMachineArn", wanted, name=BATCH)
    assert ended["status"] == "SUCCEEDED", ended
    assert f"reprocess/{BATCH}/report.csv" in stage.keys("OperationsBucket")


def a_deployment_is_tried_and_taken_back(stage: Enforcing, made: Uploads) -> None:
    """By the role that a job of the repository's gets, after it has deployed."""
    connection = Connection(LOCAL, local=stage.connection.local)
    connection._session = boto3.Session(**stage.session_of("sluice-local-try"), region_name="us-east-1")
    sample = made.folder / "sample.csv"
    sample.write_text("run,commit\n1,0123abc\n")
    uploaded = [*Sluice(connection).put([Upload(sample, "smoke/sample.csv")], abs)]
    (outcome,) = Sluice(connection).outcomes(uploaded, timeout=60, on_progress=abs)
    assert outcome.outcome == "succeeded", outcome
    first, second = publish_another_version(stage)
    assert Releases(connection).roll_back(first).to == first
    assert second not in Releases(connection).shares()


def publish_another_version(stage: Enforcing) -> tuple[int, int]:
    """As a deployment does; the version that was live, and the one that is there now."""
    states, machine = stage.client("stepfunctions"), {"stateMachineArn": stage.outputs["StateMachineArn"]}
    definition = json.loads(states.describe_state_machine(**machine)["definition"])
    states.update_state_machine(**machine, definition=json.dumps(definition | {"Comment": "another"}))
    published = states.publish_state_machine_version(**machine)["stateMachineVersionArn"]
    newest = int(published.rpartition(":")[2])
    return newest - 1, newest


def outcomes_are_sent_to_a_receiver_that_is_down_at_first(stage: Enforcing, _made: Uploads) -> None:
    with receiving((503, {})) as receiver, opened_webhook(stage.client("lambda"), stage.client("events"), receiver.url):
        stage.put("IngestBucket", "webhook/picture.png", picture("gold"))
        until(lambda: len(receiver.got) > 1)


FLOWS: tuple[Callable[[Enforcing, Uploads], None], ...] = (
    each_kind_is_taken_in,
    known_content_takes_over_what_was_made,
    each_kind_comes_out_of_an_archive,
    each_kind_is_processed_again_from_the_archive,
    each_kind_is_processed_again_from_quarantine,
    anything_is_processed_again_by_its_name,
    bad_files_are_set_aside,
    answers_are_lost_after_the_work_was_done,
    an_overtaken_execution_is_told_so,
    an_original_that_is_gone_is_called_gone,
    a_stopped_execution_is_recorded,
    the_api_is_asked_for_everything,
    messages_are_served_or_set_aside,
    telemetry_is_taken_in_and_leaves_a_trail,
    a_restored_original_is_gone_on_with,
    many_are_processed_again_in_a_batch,
    what_was_forgotten_is_started_by_the_sweep,
    a_failure_that_nobody_heard_of_is_recorded_by_the_sweep,
    half_a_move_is_finished_by_the_sweep,
    outcomes_are_sent_to_a_receiver_that_is_down_at_first,
    a_deployment_is_tried_and_taken_back,
)
"""In this order: some go on with what an earlier one left."""
