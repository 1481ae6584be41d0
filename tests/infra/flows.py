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

import requests

from infra.local.samples import FOLDER
from tests.infra.enforcing import Enforcing, picture
from tests.receiver import opened_webhook, receiving
from tests.unit.movies import Movie, counting
from tests.unit.sounds import encoded
from tests.waiting import until

PART_BYTES = 5 * 1024 * 1024
"""The least that S3 takes for a part that is not the last."""
LONG = "long.mp4"


@dataclass(frozen=True)
class Uploads:
    """A file of each kind, and a video that counts as long on the stage that `enforcing_stage` makes."""

    files: Mapping[str, bytes]

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
    return Uploads(others | {name: movie.write(folder / name).read_bytes() for name, movie in videos.items()})


def packed(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def each_kind_is_taken_in(stage: Enforcing, made: Uploads) -> None:
    upload_all(stage, made.under("first"))


def upload_all(stage: Enforcing, files: Mapping[str, bytes]) -> None:
    for key, content in files.items():
        stage.put("IngestBucket", key, content, Tagging="owner=ada")
    statuses = {key: stage.record(key)["status"] for key in files}
    assert set(statuses.values()) == {"succeeded"}, statuses


def known_content_takes_over_what_was_made(stage: Enforcing, made: Uploads) -> None:
    upload_all(stage, made.under("same"))


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
    inside = packed({"notes.png": b"this is not a picture either"})
    stage.put("IngestBucket", "zip/bad.zip", inside)
    assert until(lambda: finished_child(stage, "bad.zip/notes.png"))["status"] == "rejected"


def upload_in_parts(stage: Enforcing, key: str, parts: list[bytes]) -> None:
    s3, at = stage.client("s3"), {"Bucket": stage.outputs["IngestBucket"], "Key": key}
    upload = at | {"UploadId": s3.create_multipart_upload(**at, Tagging="owner=ada")["UploadId"]}
    etags = [s3.upload_part(**upload, PartNumber=n, Body=part)["ETag"] for n, part in enumerate(parts, 1)]
    done = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})


def a_stopped_execution_is_recorded(stage: Enforcing, made: Uploads) -> None:
    states = stage.client("stepfunctions")
    stage.put("IngestBucket", "stopped/long.mp4", made.files[LONG] + b"\0")
    record = until(lambda: next((r for r in stage.records() if r["key"] == "stopped/long.mp4"), None))
    states.stop_execution(executionArn=record["execution_arn"], error="Stopped", cause="by a test")
    assert stage.record("stopped/long.mp4")["status"] == "failed"


def the_api_is_asked_for_everything(stage: Enforcing, _made: Uploads) -> None:
    wanted = json.dumps({"key": "form/picture.png", "content_type": "image/png"})
    form = stage.call_api("POST /uploads", body=wanted)
    files = {"file": ("picture.png", picture("plum"))}
    assert requests.post(form["url"], data=form["fields"], files=files, timeout=60).status_code == 204
    record = stage.record("uploads/form/picture.png")
    for query in ({"key": record["key"]}, {"kind": "image"}, {"status": "succeeded"}):
        assert stage.call_api("GET /assets", queryStringParameters=query)["assets"]
    asset = {"asset_id": record["asset_id"]}
    assert stage.call_api("GET /assets/{asset_id}", pathParameters=asset)["sha256"]
    started = stage.call_api("POST /executions", body=json.dumps(asset))
    until(lambda: stage.call_api("GET /executions/{execution}", pathParameters=started).get("stopped"))


def messages_are_served_or_set_aside(stage: Enforcing, _made: Uploads) -> None:
    sqs = stage.client("sqs")
    asked = json.dumps({"bucket": stage.outputs["IngestBucket"], "key": "first/teal.png"})
    for body in (asked, "what is this?"):
        sqs.send_message(QueueUrl=stage.outputs["RequestQueueUrl"], MessageBody=body)
    assert until(lambda: sqs.receive_message(QueueUrl=stage.outputs["RequestsDlqUrl"]).get("Messages"))


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
    outcomes_are_sent_to_a_receiver_that_is_down_at_first,
)
"""In this order: some go on with what an earlier one left."""
