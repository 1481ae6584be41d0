"""The HTTP API's function, with the events that AWS documents for payload format 2.0."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tasks.api.endpoints import ENDPOINTS
from tasks.api.problems import every_problem
from tasks.api.request import Event, Request
from tasks.api.shapes import Status
from tasks.shared.records.model import Record
from tests.unit.cloud import ARCHIVE, INGEST, STATE_MACHINE, TABLE, Cloud, a_record, load_function
from workflow.kinds import KINDS
from workflow.operator.client import STATUSES
from workflow.units import MIB

CALLER = "arn:aws:iam::111122223333:user/ada"
IAM = {
    "iam": {
        "accessKey": "AKIAIOSFODNN7EXAMPLE",
        "accountId": "111122223333",
        "callerId": "AIDACKCEVSQ6C2EXAMPLE",
        "cognitoIdentity": None,
        "principalOrgId": "o-exampleorgid",
        "userArn": CALLER,
        "userId": "AIDACKCEVSQ6C2EXAMPLE",
    }
}
JWT = {"jwt": {"claims": {"sub": "user-1", "iss": "https://issuer.example", "exp": "1764000000"}, "scopes": None}}
ASSET = "a" * 32


def event(route: str, path: str = "", **more: Any) -> dict[str, Any]:
    """API Gateway's, as its developer guide shows it."""
    method, _, template = route.partition(" ")
    made = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path or template,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "user-agent": "agent"} | more.pop("headers", {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4",
            "authorizer": more.pop("authorizer", IAM),
            "domainName": "a1b2c3d4.execute-api.eu-central-1.amazonaws.com",
            "http": {
                "method": more.pop("method", method),
                "path": path or template,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
            "time": "23/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1795428000000,
        },
        "isBase64Encoded": False,
    }
    body = more.pop("json", None)
    return made | ({"body": json.dumps(body)} if body is not None else {}) | more


@pytest.fixture
def machine_arn(cloud: Cloud) -> str:
    role = "arn:aws:iam::123456789012:role/sluice"
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    return cloud.stepfunctions.create_state_machine(name="sluice-ingest", definition=definition, roleArn=role)[
        "stateMachineArn"
    ]


class Api:
    """The function, called as API Gateway calls it."""

    def __init__(self, function: ModuleType) -> None:
        self.function = function

    def __call__(self, route: str, path: str = "", *, expect: int, **more: Any) -> Any:
        answered = self.function.handle(event(route, path, **more), None)
        body = json.loads(answered["body"])
        assert answered["statusCode"] == expect, body
        problem = expect >= 400
        assert answered["headers"]["content-type"] == ("application/problem+json" if problem else "application/json")
        if problem:
            assert (body["status"], body["instance"]) == (expect, "urn:sluice:request:JKJaXmPLvHcESHA=")
        return body


@pytest.fixture
def api(cloud: Cloud, functions: dict[str, ModuleType], machine_arn: str) -> Api:
    assert machine_arn == STATE_MACHINE
    return Api(functions["api"])


def record(cloud: Cloud, asset_id: str = ASSET, **more: str) -> Record:
    """Put an asset's record into the table."""
    known = {"key": "cat.jpg", "kind": "image", "created_at": "2026-11-23T10:00:00+00:00"} | more
    made = a_record(asset_id, upload_order=known["created_at"], **known)
    cloud.put_record(made)
    return made


# who asks


def test_iam_caller_is_known_by_arn_and_jwt_caller_by_subject(api):
    events = [event("GET /assets", authorizer=each) for each in (IAM, JWT)]
    assert [Request(msgspec.convert(each, Event)).by for each in events] == [CALLER, "user-1"]


@pytest.mark.parametrize("authorizer", [None, {}, {"jwt": {"claims": {"iss": "https://issuer.example"}}}])
def test_nobody_is_served_who_cannot_be_named(api, authorizer):
    assert api("GET /assets", expect=401, authorizer=authorizer)["type"] == "urn:sluice:problem:unidentified"


# uploads


def upload(api: Api, expect: int = 201, **wanted: Any) -> Any:
    return api("POST /uploads", expect=expect, json={"key": "cat.jpg", "content_type": "image/jpeg"} | wanted)


def policy(form: dict[str, Any]) -> list[Any]:
    return json.loads(base64.b64decode(form["fields"]["policy"]))["conditions"]


def test_form_binds_key_type_and_size_of_the_upload(api):
    form = upload(api)
    assert form["key"] == form["fields"]["key"] == "uploads/cat.jpg"
    conditions = policy(form)
    assert ["content-length-range", 1, KINDS["image"].max_bytes] in conditions
    assert {"Content-Type": "image/jpeg"} in conditions
    assert {"key": "uploads/cat.jpg"} in conditions
    assert {"bucket": INGEST} in conditions
    assert form["fields"]["Content-Type"] == "image/jpeg"
    assert form["asset"] == "/assets?key=uploads%2Fcat.jpg"


def test_size_that_is_told_is_the_only_one_that_is_accepted(api):
    assert ["content-length-range", 12345, 12345] in policy(upload(api, size=12345))


def test_form_lives_for_a_quarter_of_an_hour(api):
    left = datetime.fromisoformat(upload(api)["expires_at"]) - datetime.now(UTC)
    assert 14 * 60 < left.total_seconds() <= 15 * 60


def test_form_is_for_the_bucket_s_own_region_because_a_form_follows_no_redirect(functions, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    signing = load_function("api").clients.signing_s3
    signing.cache_clear()
    form = signing().generate_presigned_post("bucket", "key")
    signing.cache_clear()
    assert form["url"] == "https://bucket.s3.eu-central-1.amazonaws.com/"
    assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


@pytest.mark.parametrize(("name", "kind"), [("take.mp4", "video"), ("song.MP3", "audio"), ("orders.csv", "table")])
def test_kind_follows_from_the_name_where_the_type_says_nothing(api, name, kind):
    form = upload(api, key=name, content_type="application/octet-stream")
    assert form["kind"] == kind


def test_no_form_takes_more_than_s3_does(api):
    assert upload(api, key="a.mp4", content_type="video/mp4")["max_bytes"] == 5 * 1024 * MIB


def test_file_over_the_kind_s_limit_is_413(api):
    found = upload(api, 413, size=KINDS["image"].max_bytes + 1)
    assert "209,715,200" in found["detail"]


def test_type_that_no_kind_accepts_is_415_and_says_what_is_accepted(api):
    found = upload(api, 415, key="tool.exe", content_type="application/x-msdownload")
    assert "images (JPEG" in found["detail"]


def test_archives_are_refused_where_the_stage_does_not_expand_them(cloud, functions):
    refusing = Api(load_function("api", EXPAND_ARCHIVES="false"))
    upload(refusing, 415, key="trip.zip", content_type="application/zip")


@pytest.mark.parametrize(
    "key",
    ["", "/cat.jpg", "a//b.jpg", "folder/", "../cat.jpg", "a/./b.jpg", "cat\n.jpg", "cat.jpg\n", "${filename}",
     "a/${filename}.jpg", "x" * 256 + ".jpg", "f/" * 447 + "c.jpg"],
)  # fmt: skip
def test_key_that_would_not_stay_what_it_is_gets_no_form(api, key):
    upload(api, 422, key=key)


def test_name_of_any_language_gets_a_form(api):
    assert upload(api, key="Bildschirmfoto 2026\u202fgrößer 猫.jpg")["key"].endswith("猫.jpg")


# bodies


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("", 400),
        ('{"key": "cat.jpg", "x": ' + "[" * 64 + "]" * 64 + "}", 400),
        ("[]", 422),
        ('{"key": "cat.jpg"}', 422),
        ('{"key": 1, "content_type": "image/jpeg"}', 422),
        ('{"key": "cat.jpg", "content_type": "image/jpeg", "acl": "public-read"}', 422),
    ],
)
def test_body_that_is_not_json_is_400_and_one_that_does_not_fit_is_422(api, body, status):
    api("POST /uploads", expect=status, body=body)


def test_body_of_another_type_is_415(api):
    api("POST /uploads", expect=415, headers={"content-type": "text/plain"}, body="{}")


def test_body_that_api_gateway_encoded_is_decoded(api):
    body = base64.b64encode(json.dumps({"key": "cat.jpg", "content_type": "image/jpeg"}).encode()).decode()
    api("POST /uploads", expect=201, body=body, isBase64Encoded=True)
    api("POST /uploads", expect=400, body="no base64!", isBase64Encoded=True)
    api("POST /uploads", expect=400, body=base64.b64encode(b"\xff{").decode(), isBase64Encoded=True)


# executions


def start(api: Api, expect: int = 202, idempotency_key: str | None = None, **wanted: Any) -> Any:
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    return api("POST /executions", expect=expect, json=wanted, headers=headers)


def given(cloud: Cloud, name: str) -> Any:
    arn = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
    return json.loads(cloud.stepfunctions.describe_execution(executionArn=arn)["input"])


def test_object_is_processed_and_the_caller_is_written_down(cloud, api):
    started = start(api, bucket=ARCHIVE, key="cat.jpg", version_id="v1", why="lost")
    assert given(cloud, started["execution"]) == {
        "bucket": ARCHIVE,
        "key": "cat.jpg",
        "version_id": "v1",
        "trigger": "manual",
        "force": False,
        "by": CALLER,
        "why": "lost",
    }


def test_asset_is_processed_again_by_its_id(cloud, api):
    record(cloud)
    found = given(cloud, start(api, asset_id=ASSET)["execution"])
    assert (found["bucket"], found["key"], found["version_id"]) == (INGEST, "cat.jpg", "v1")
    assert (found["trigger"], found["by"]) == ("reprocess", CALLER)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"bucket": INGEST},
        {"asset_id": ASSET, "bucket": INGEST, "key": "cat.jpg"},
        {"asset_id": ASSET, "version_id": "v1"},
        {"asset_id": "A" * 32},
        {"bucket": "somebody-else-s", "key": "cat.jpg"},
    ],
)
def test_what_names_no_object_of_ours_is_422(cloud, api, wanted):
    record(cloud)
    start(api, 422, **wanted)


def test_unknown_asset_is_404(api):
    start(api, 404, asset_id=ASSET)


def test_asset_that_is_being_worked_on_is_409_unless_one_insists(cloud, api):
    record(cloud, status="processing")
    assert "first" in start(api, 409, asset_id=ASSET)["detail"]
    start(api, asset_id=ASSET, force=True)


def test_idempotency_key_starts_once_and_is_not_shared_between_callers(cloud, api):
    first, again = (start(api, bucket=INGEST, key="cat.jpg", idempotency_key="k1") for _ in range(2))
    other = api(
        "POST /executions",
        expect=202,
        json={"bucket": INGEST, "key": "cat.jpg"},
        headers={"idempotency-key": "k1"},
        authorizer=JWT,
    )
    assert first == again != other
    assert len(cloud.stepfunctions.list_executions(stateMachineArn=STATE_MACHINE)["executions"]) == 2


@pytest.mark.wire
def test_idempotency_key_finds_its_execution_at_work_on_the_asset(cloud, api):
    record(cloud)
    first = start(api, asset_id=ASSET, idempotency_key="k1")
    key = {"pk": {"S": f"asset#{ASSET}"}, "sk": {"S": "record"}}
    at_work = {"status": {"Value": {"S": "processing"}}, "execution": {"Value": {"S": first["execution"]}}}
    cloud.dynamodb.update_item(TableName=TABLE, Key=key, AttributeUpdates=at_work)
    assert start(api, asset_id=ASSET, idempotency_key="k1") == first
    start(api, 409, asset_id=ASSET, idempotency_key="k2")


def test_idempotency_key_of_another_request_is_409(api):
    start(api, bucket=INGEST, key="cat.jpg", idempotency_key="k1")
    start(api, 409, bucket=INGEST, key="dog.jpg", idempotency_key="k1")


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded"])
def test_busy_state_machine_is_429_with_a_time_to_wait(api, monkeypatch, code):
    def refuse(**_wanted: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "Slow down"}}, "StartExecution")

    monkeypatch.setattr(api.function.executions.executions.stepfunctions, "start_execution", refuse)
    answered = api.function.handle(event("POST /executions", json={"bucket": INGEST, "key": "cat.jpg"}), None)
    assert (answered["statusCode"], answered["headers"]["retry-after"]) == (429, "5")


def test_error_that_is_nobody_s_fault_fails_the_function_so_that_alarms_see_it(api, monkeypatch):
    monkeypatch.setattr("tasks.shared.records.assets.Assets.get", None)
    with pytest.raises(TypeError):
        api.function.handle(event("GET /assets/{asset_id}", pathParameters={"asset_id": ASSET}), None)


def test_execution_is_shown_with_its_asset(cloud, api):
    name = start(api, bucket=INGEST, key="cat.jpg")["execution"]
    cloud.dynamodb.put_item(
        TableName=TABLE,
        Item={"pk": {"S": f"execution#{name}"}, "sk": {"S": "asset"}, "asset_id": {"S": ASSET}},
    )
    found = api("GET /executions/{execution}", f"/executions/{name}", expect=200, pathParameters={"execution": name})
    assert (found["execution"], found["asset_id"]) == (name, ASSET)
    assert found["status"] in {"RUNNING", "SUCCEEDED"}


@pytest.mark.parametrize("name", ["unknown", "a:b", "x" * 81])
def test_unknown_execution_is_404(api, name):
    api("GET /executions/{execution}", f"/executions/{name}", expect=404, pathParameters={"execution": name})


# assets


def assets(api: Api, expect: int = 200, **query: str) -> Any:
    return api("GET /assets", expect=expect, queryStringParameters=query or None)


def ids(page: dict[str, Any]) -> list[str]:
    return [asset["asset_id"] for asset in page["assets"]]


def test_asset_is_shown_whole(cloud, api):
    made = record(cloud)
    found = api("GET /assets/{asset_id}", f"/assets/{ASSET}", expect=200, pathParameters={"asset_id": ASSET})
    assert (found["asset_id"], found["key"], found["size"]) == (ASSET, made.key, 885)


@pytest.mark.parametrize("asset", ["b" * 32, "cat.jpg"])
def test_unknown_asset_is_not_found(api, asset):
    api("GET /assets/{asset_id}", f"/assets/{asset}", expect=404, pathParameters={"asset_id": asset})


@pytest.fixture
def many(cloud: Cloud) -> list[str]:
    """Ids of ten assets, the latest first; pairs of them changed at the same moment."""
    made = [
        record(
            cloud,
            asset_id=f"{number:032x}",
            key=f"{number % 2}.jpg",
            status=("succeeded", "failed")[number % 3 == 0],
            kind=("image", "table")[number % 2],
            created_at=f"2026-11-23T10:00:0{number // 2}+00:00",
            updated_at=f"2026-11-23T10:00:0{number // 2}+00:00",
        )
        for number in range(10)
    ]
    return [each.asset_id for each in reversed(made)]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"status": "failed"}, [9, 6, 3, 0]),
        ({"kind": "image"}, [8, 6, 4, 2, 0]),
        ({"kind": "image", "status": "failed"}, [6, 0]),
        ({"key": "1.jpg"}, [9, 7, 5, 3, 1]),
        ({"key": "1.jpg", "since": "2026-11-23T11:00:03+01:00"}, [9, 7]),
        ({"since": "2026-11-23T10:00:04Z"}, [9, 8]),
        ({"status": "discarded"}, []),
    ],
)
def test_pages_tell_each_asset_once_the_latest_first(api, many, query, numbers, limit):
    found, page = [], assets(api, limit=str(limit), **query)
    found += ids(page)
    while "next" in page:
        page = assets(api, limit=str(limit), next=page["next"], **query)
        found += ids(page)
    assert [int(each, 16) for each in found] == numbers


def test_search_for_the_rare_ends_a_page_early_rather_than_late(api, many, monkeypatch):
    monkeypatch.setattr("tasks.api.listing.MAX_LOOKED_AT", 4)
    page = assets(api, kind="image", status="failed")
    assert ids(page) == [f"{6:032x}"]
    assert ids(assets(api, kind="image", status="failed", next=page["next"])) == [f"{0:032x}"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": "null"},
        {"kind": "smell"},
        {"limit": "0"},
        {"limit": "1000"},
        {"since": "yesterday"},
        {"since": "0.5"},
        {"since": "2026-13-23T10:00:04Z"},
        {"since": "0001-01-01T00:00:00+23:59"},
        {"since": "2026-11-23T10:00:04"},
        {"colour": "red"},
        {"next": "bm8"},
        {"next": "é"},
    ],
)
def test_query_that_makes_no_sense_is_400(api, query):
    assets(api, 400, **query)


def test_token_of_one_list_is_none_of_another(api, many):
    token = assets(api, limit="1")["next"]
    assets(api, 400, limit="1", status="failed", next=token)


def test_filter_takes_every_status_that_there_is():
    assert set(STATUSES) == set(Status.__args__)


# routes


def test_description_is_served(api, functions):
    assert set(api("GET /openapi.json", expect=200)["paths"]) == {
        "/uploads",
        "/executions",
        "/executions/{execution}",
        "/assets",
        "/assets/{asset_id}",
        "/openapi.json",
    }


def test_unknown_path_is_404_and_unknown_method_405_with_those_there_are(api):
    api("$default", "/nowhere", expect=404, method="GET")
    answered = api.function.handle(event("$default", f"/assets/{ASSET}", method="DELETE"), None)
    assert (answered["statusCode"], answered["headers"]["allow"]) == (405, "GET")


def test_log_names_route_and_caller(api, log):
    assets(api)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (asked,) = [line for line in lines if line["message"] == "asked"]
    assert (asked["route"], asked["by"]) == ("GET /assets", CALLER)


def test_every_problem_has_a_status_of_its_own():
    assert len({problem.status for problem in every_problem()}) == len(every_problem())


# docs


def test_every_problem_and_every_endpoint_has_its_row():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    assert all(f"| {problem.slug()} | {int(problem.status)} |" in page for problem in every_problem())
    assert all(f"| `{route}` |" in page for route in ENDPOINTS if route != "GET /openapi.json")


def test_every_endpoint_is_served_and_nothing_else(functions):
    assert set(functions["api"].SERVING) == set(ENDPOINTS)
