"""What a page of another site can do to the local stack and its console, in the browser of their owner: nothing.

The page is at another name, at another port of this machine, or at a name that leads to the stack's own port.
"""

import json
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from infra.local.addresses import SAVE_PATH
from tests.console.conftest import Visit
from tests.integration.conftest import LocalStack
from workflow.operator.stack import LOCAL, Connection

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ATTACK = (Path(__file__).parent / "other_sites.js").read_text()
EVIL = "evil.test"
"""A name that Chromium is told to find on this machine: see the flags in conftest.py."""
RESET, FUNCTIONS = "/_ministack/reset", "/2015-03-31/functions"
QUERIES = [
    "Action=CreateQueue&QueueName=evil&Version=2012-11-05",
    "X-Amz-Target=DynamoDB_20120810.CreateTable",
    "X-Amz-Target=AWSStepFunctions.StartExecution",
]
TABLE = {
    "TableName": "evil",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}
FUNCTION = {
    "FunctionName": "evil",
    "Runtime": "python3.13",
    "Handler": "evil.run",
    "Role": "arn:aws:iam::000000000000:role/evil",
    "Code": {"ZipFile": ""},
}


@dataclass
class Site:
    """A server of another site: its pages are empty, and it notes what it is asked."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def site() -> Generator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            made.asked.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("access-control-allow-origin", self.headers.get("origin", "*"))
            self.send_header("access-control-allow-credentials", "true")
            self.send_header("access-control-allow-methods", "PUT, DELETE, PATCH")
            self.send_header("access-control-allow-headers", "content-type, x-amz-target")
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the name that it has
            """The test looks at what it was asked."""

    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_port
        threading.Thread(target=server.serve_forever).start()
        try:
            yield made
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    yield context
    context.close()


def everything(stack: LocalStack) -> dict[str, Any]:
    """What the stack has, as its owner sees it."""
    aws: Any = stack.connection
    buckets = [each["Name"] for each in aws.s3.list_buckets()["Buckets"]]
    return {
        "buckets": buckets,
        "objects": {name: aws.s3.list_objects_v2(Bucket=name)["KeyCount"] for name in buckets},
        "functions": [each["FunctionName"] for each in aws.lambda_.list_functions()["Functions"]],
        "tables": aws.dynamodb.list_tables()["TableNames"],
        "queues": aws.sqs.list_queues()["QueueUrls"],
        "executions": len(stack.client.executions()),
    }


def attack(page: Page, target: str, paths: list[str], statuses: list[int] | None = None) -> list[str]:
    """Everything that the page could read or open at the target; what it was answered goes to `statuses`."""
    told = statuses if statuses is not None else []
    page.on("response", lambda answer: told.append(answer.status) if answer.url.startswith(target) else None)
    page.set_default_timeout(0)
    given = {"target": target, "queries": QUERIES, "paths": paths}
    return page.evaluate(ATTACK, given | {"bodies": {"/": json.dumps(TABLE), FUNCTIONS: json.dumps(FUNCTION)}})


def test_each_attack_reaches_a_listener_that_has_no_guard(window: BrowserContext, elsewhere: Site) -> None:
    """Otherwise the tests below would show nothing."""
    page = window.new_page()
    page.goto(f"http://{EVIL}:{elsewhere.port}/")
    with site() as unguarded:
        could = attack(page, f"http://127.0.0.1:{unguarded.port}", ["/any"])
        methods = {method for method, path in unguarded.asked if path == "/any"}
    assert methods == {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}
    ways = {each.split()[0] for each in could}
    assert ways >= {"read", "PUT", "DELETE", "PATCH", "preflighted", "XHR", "link", "script"}


@pytest.mark.parametrize("name", [EVIL, "127.0.0.1", "localhost"])
def test_a_page_of_another_site_gets_nothing_of_the_stack(
    window: BrowserContext, elsewhere: Site, stack: LocalStack, name: str
) -> None:
    before, statuses = everything(stack), list[int]()
    paths = ["/", RESET, SAVE_PATH, FUNCTIONS, "/evil-bucket", f"/{stack.client.buckets.ingest}"]
    page = window.new_page()
    page.goto(f"http://{name}:{elsewhere.port}/")
    assert attack(page, f"http://127.0.0.1:{stack.port}", paths, statuses) == []
    assert set(statuses) == {403}
    assert everything(stack) == before


def test_a_name_that_leads_to_the_stack_gets_nothing(window: BrowserContext, stack: LocalStack) -> None:
    """DNS rebinding. Its scripts are run in what the stack answers there, as the page that was there before is not."""
    before, statuses, page = everything(stack), list[int](), window.new_page()
    there = f"http://{EVIL}:{stack.port}"
    page.goto(there)
    read = page.evaluate("async () => { const a = await fetch('/'); return [a.status, await a.text()]; }")
    assert (read[0], "Bucket" in read[1]) == (403, False)
    attack(page, there, ["/", RESET, FUNCTIONS, "/evil-bucket"], statuses)
    assert set(statuses) == {403}
    assert everything(stack) == before


def test_signatures_that_anybody_knows_and_leaked_ones_are_worth_nothing_on_a_page(
    window: BrowserContext, elsewhere: Site, stack: LocalStack
) -> None:
    page, statuses, wanted = window.new_page(), list[int](), {"Bucket": "evil"}
    own = stack.connection.local
    assert own
    fixed = replace(own, access_key_id="test", secret_access_key="test")
    signers = [Connection(LOCAL, local=keys).client("s3", signature_version="s3v4") for keys in (own, fixed)]
    page.goto(f"http://{EVIL}:{elsewhere.port}/")
    page.on("response", lambda answer: statuses.append(answer.status) if answer.url.startswith(own.endpoint) else None)
    for s3 in signers:
        url = s3.generate_presigned_url("create_bucket", Params=wanted)
        page.evaluate("url => fetch(url, { method: 'PUT' }).catch(() => {})", url)
        url = s3.generate_presigned_url("list_buckets")
        page.evaluate("url => fetch(url, { mode: 'no-cors' })", url)
    assert set(statuses) == {403}
    assert "evil" not in everything(stack)["buckets"]


@pytest.mark.parametrize("name", [EVIL, "127.0.0.1"])
def test_a_page_of_another_site_gets_nothing_of_the_console(
    open_console: Callable[..., Visit], elsewhere: Site, stack: LocalStack, name: str
) -> None:
    """In the very browser that has the console's cookie."""
    visit = open_console()
    before, statuses, page = everything(stack), list[int](), visit.page.context.new_page()
    page.goto(f"http://{name}:{elsewhere.port}/")
    paths = ["/", "/upload-form", "/assets", "/static/console.js", "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"]
    assert attack(page, visit.site, paths, statuses) == []
    assert set(statuses) == {403}
    assert everything(stack) == before
    assert visit.go("/").get_by_role("button", name="Upload").is_visible()


def test_curl_signs_as_aws_says(stack: LocalStack) -> None:
    local = stack.connection.local
    assert local
    keys, url = f"{local.access_key_id}:{local.secret_access_key}", f"{local.endpoint}/{stack.client.buckets.ingest}"
    command = ["curl", "-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", keys, url]
    listed = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "ListBucketResult" in listed.stdout
