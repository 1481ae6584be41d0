"""Nobody gets anything of the embedded AWS who has not its keys, or is a page of another site."""

import json
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from infra.local.addresses import HEALTH_PATH, SAVE_PATH
from tests.integration.patches.conftest import REGION, Cloud
from tests.integration.patches.test_lambda_python import deploy
from workflow.operator.stack import LOCAL, Connection

SECONDS = 60
CONSOLE, EVIL = "http://127.0.0.1:8710", "http://evil.example"
CALLS = {
    "s3": "list_buckets",
    "dynamodb": "list_tables",
    "sts": "get_caller_identity",
    "lambda": "list_functions",
    "stepfunctions": "list_state_machines",
    "cloudformation": "list_stacks",
    "sqs": "list_queues",
    "sns": "list_topics",
    "logs": "describe_log_groups",
    "cloudwatch": "list_metrics",
    "events": "list_rules",
    "ssm": "describe_parameters",
    "iam": "list_roles",
}
OWN_ADDRESSES = [
    ("GET", HEALTH_PATH),
    ("GET", "/_localstack/health"),
    ("GET", "/_ministack/ready"),
    ("GET", "/_aws/sqs/messages"),
    ("POST", "/_ministack/config"),
    ("POST", "/_ministack/reset"),
    ("POST", SAVE_PATH),
]
FIXED = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
CORS = [{"AllowedMethods": ["POST"], "AllowedOrigins": ["http://127.0.0.1:*"]}]


@dataclass(frozen=True)
class Bucket:
    """A bucket with the object `any`; pages may post to it, as to our ingest bucket."""

    cloud: Cloud
    name: str

    @property
    def url(self) -> str:
        return f"{self.cloud.emulator.endpoint}/{self.name}"

    def s3(self, version: str = "s3v4") -> Any:
        return Connection(LOCAL, local=self.cloud.emulator.access).client("s3", signature_version=version)

    def objects(self) -> list[str]:
        return [each["Key"] for each in self.s3().list_objects_v2(Bucket=self.name).get("Contents", [])]

    def presigned(self, version: str = "s3v4", *, seconds: int = SECONDS) -> str:
        wanted = {"Bucket": self.name, "Key": "any"}
        return self.s3(version).generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)

    def form(self, version: str = "s3v4", **conditions: Any) -> dict[str, Any]:
        return self.s3(version).generate_presigned_post(self.name, "sent", ExpiresIn=SECONDS, **conditions)


@pytest.fixture(scope="module")
def bucket(patched: Cloud) -> Bucket:
    made = Bucket(patched, f"guarded-{uuid.uuid4().hex[:8]}")
    made.s3().create_bucket(Bucket=made.name)
    made.s3().put_object(Bucket=made.name, Key="any", Body=b"any")
    made.s3().put_bucket_cors(Bucket=made.name, CORSConfiguration={"CORSRules": CORS})
    return made


@pytest.fixture
def console(patched: Cloud) -> Iterator[str]:
    """The origin of a console that runs."""
    with patched.emulator.access.open_to(CONSOLE):
        yield CONSOLE


def send(form: dict[str, Any], body: bytes = b"sent", headers: dict[str, str] | None = None) -> requests.Response:
    return requests.post(form["url"], form["fields"], files={"file": body}, headers=headers, timeout=SECONDS)


def get(url: str, headers: dict[str, str] | None = None) -> requests.Response:
    return requests.get(url, headers=headers, timeout=SECONDS)


def signed(cloud: Cloud, method: str, path: str, keys: dict[str, str] | None = None, **request: Any) -> dict[str, str]:
    """The headers of a request that has these keys' signature, or the account's own."""
    keys = keys or cloud.root
    credentials = Credentials(*keys.values())
    wanted = AWSRequest(method, cloud.emulator.endpoint + path, **request)
    SigV4Auth(credentials, "s3", REGION).add_auth(wanted)
    return dict(wanted.headers)


def ask(cloud: Cloud, method: str, path: str, headers: dict[str, str]) -> int:
    return requests.request(method, cloud.emulator.endpoint + path, headers=headers, timeout=SECONDS).status_code


# Programs


@pytest.mark.parametrize(("service", "call"), CALLS.items())
@pytest.mark.parametrize(
    "wrong",
    [{"aws_access_key_id": "test", "aws_secret_access_key": "test"}, {"aws_secret_access_key": "wrong"}],
    ids=str,
)
def test_other_keys_open_no_service(patched: Cloud, service: str, call: str, wrong: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(patched.client(service, **wrong), call)()
    assert "Signature" in caught.value.response["Error"]["Code"]
    assert getattr(patched.client(service), call)()


def test_each_stack_has_keys_of_its_own(patched: Cloud, stock: Cloud) -> None:
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        patched.client("s3", **stock.root).list_buckets()


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/?Action=ListUsers&Version=2010-05-08", {}),
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}),
        ("POST", "/?X-Amz-Target=AWSStepFunctions.ListStateMachines", {"content-type": "text/plain"}),
        ("GET", "/2015-03-31/functions", {}),
        ("PUT", "/taken", {}),
        ("OPTIONS", "/", {}),
        *[(method, path, {}) for method, path in OWN_ADDRESSES],
    ],
)
@pytest.mark.parametrize("authorization", [None, "Bearer x", "AWS x:y", "AWS4-HMAC-SHA256 Credential=test/1/2/3/4"])
def test_what_is_not_signed_is_refused(
    patched: Cloud, method: str, path: str, headers: dict[str, str], authorization: str | None
) -> None:
    given = headers | ({"authorization": authorization} if authorization else {})
    assert ask(patched, method, path, given) in {400, 403}


def test_a_changed_request_is_refused(bucket: Bucket) -> None:
    cloud, path = bucket.cloud, f"/{bucket.name}/changed"
    request = AWSRequest("PUT", cloud.emulator.endpoint + path, data=b"signed")
    S3SigV4Auth(Credentials(*cloud.root.values()), "s3", REGION).add_auth(request)
    headers = dict(request.headers)

    def put(path: str, body: bytes) -> int:
        url = cloud.emulator.endpoint + path
        return requests.put(url, body, headers=headers, timeout=SECONDS).status_code

    assert put(path, b"another") == put(f"{path}-elsewhere", b"signed") == 403
    assert "changed" not in bucket.objects()
    assert put(path, b"signed") == 200


def test_the_emulators_own_addresses_take_the_accounts_keys_only(patched: Cloud) -> None:
    role = {"RoleArn": "arn:aws:iam::000000000000:role/any", "RoleSessionName": "any"}
    patched.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    given = patched.client("sts").assume_role(**role)["Credentials"]
    keys = {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}
    for method, path in OWN_ADDRESSES:
        assert ask(patched, method, path, signed(patched, method, path, keys)) == 403, path
    assert ask(patched, "GET", HEALTH_PATH, signed(patched, "GET", HEALTH_PATH)) == 200
    session = {"aws_access_key_id": keys["key"], "aws_secret_access_key": keys["secret"]}
    patched.client("s3", **session, aws_session_token=keys["token"]).list_buckets()


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_addresses_are_good_for_what_they_say(bucket: Bucket, version: str) -> None:
    url = bucket.presigned(version)
    assert get(url).content == b"any"
    assert get(url.replace("/any?", "/other?")).status_code == 403
    assert requests.delete(url, timeout=SECONDS).status_code == 403
    assert get(bucket.presigned(version, seconds=-1)).status_code in {400, 403}


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_forms_are_good_for_what_they_say(bucket: Bucket, version: str) -> None:
    form = bucket.form(version, Conditions=[["content-length-range", 0, 4]])
    fields = form["fields"]
    signature = next(name for name in fields if name.lower().endswith("signature"))
    assert send(form | {"fields": {"key": "sent"}}).status_code == 403
    assert send(form | {"fields": fields | {"policy": bucket.form(version)["fields"]["policy"]}}).status_code == 403
    assert send(form | {"fields": fields | {signature: "0" * 64}}).status_code == 403
    assert send(form | {"fields": fields | {"key": "elsewhere"}}).status_code == 403
    assert send(form, b"too long").status_code == 400
    assert send(form, headers={"x-amz-target": "DynamoDB_20120810.ListTables"}).status_code == 400
    assert not {"sent", "elsewhere"} & set(bucket.objects())
    assert send(form).status_code == 204
    assert "sent" in bucket.objects()
    bucket.s3().delete_object(Bucket=bucket.name, Key="sent")


# Pages


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": CONSOLE},
        {"referer": EVIL},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_gets_nothing_even_with_a_signature(bucket: Bucket, headers: dict[str, str]) -> None:
    refused = get(bucket.presigned(), headers)
    assert refused.status_code == 403
    assert not [name for name in refused.headers if name.lower().startswith("access-control-")]


def test_a_consoles_pages_show_objects_and_upload(bucket: Bucket, console: str) -> None:
    near = {"sec-fetch-site": "same-site", "referer": f"{console}/"}
    assert get(bucket.presigned(), near).content == b"any"
    sent = send(bucket.form(), headers={"origin": console, "sec-fetch-site": "same-site"})
    assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (204, console)


def test_a_consoles_pages_call_nothing_else(bucket: Bucket, console: str) -> None:
    headers = signed(bucket.cloud, "GET", f"/{bucket.name}")
    assert ask(bucket.cloud, "GET", f"/{bucket.name}", headers) == 200
    assert ask(bucket.cloud, "GET", f"/{bucket.name}", headers | {"origin": console}) == 403


def test_preflights_are_answered_by_the_buckets_rules(bucket: Bucket, console: str) -> None:
    def preflight(url: str, origin: str, method: str) -> requests.Response:
        headers = {"origin": origin, "access-control-request-method": method}
        return requests.options(url, headers=headers, timeout=SECONDS)

    taken = preflight(bucket.url, console, "POST")
    assert (taken.status_code, taken.headers["access-control-allow-origin"]) == (200, console)
    others = [(bucket.url, console, "DELETE"), (bucket.url, EVIL, "POST"), (f"{bucket.url}-none", console, "POST")]
    for refused in (preflight(*each) for each in others):
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers


# What else listens


def test_a_functions_runtime_api_is_not_for_pages(patched: Cloud) -> None:
    tells = """
        import os
        import requests

        def status(event, context):
            url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/{context.aws_request_id}"
            return requests.post(f"{url}/response", "led astray", headers=event, timeout=20).status_code
    """
    function = deploy(patched, "app.status", tells, Timeout=60)
    for headers in ({"host": "evil.example"}, {"origin": EVIL}, {"sec-fetch-site": "cross-site"}):
        assert function.invoke(headers).payload == 403
    assert function.invoke({}).payload == "led astray"


def test_websockets_are_refused(patched: Cloud) -> None:
    upgrade = {
        "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }  # fmt: skip
    assert ask(patched, "GET", "/_aws/execute-api/any/stage", upgrade) == 403


def test_nothing_opens_to_the_network(tmp_path: Path) -> None:
    """In a process of its own, as this cannot be undone."""
    tries = """
        import socket, sys
        from infra.local import side_doors
        side_doors.close()
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")):
            socket.socket(family).bind((host, 0))
        for family, host in ((socket.AF_INET, ""), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            try:
                socket.socket(family).bind((host, 0))
            except PermissionError:
                continue
            sys.exit(f"{host!r} was opened")
    """
    lines = "\n".join(line[8:] for line in tries.splitlines())
    subprocess.run([sys.executable, "-c", lines], check=True)


def test_what_the_emulator_keeps_is_readable_by_its_owner_only(new_emulator: Callable[..., Cloud]) -> None:
    cloud = new_emulator()
    cloud.client("s3").create_bucket(Bucket="private")
    cloud.client("s3").put_object(Bucket="private", Key="any", Body=b"any")
    cloud.emulator.save()
    folder = cloud.emulator.state_dir
    open_to_others = [
        path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    assert open_to_others == []
    assert (
        json.loads((folder / "keys.json").read_text())["secret_access_key"] == cloud.emulator.access.secret_access_key
    )
