"""Who may speak to the console, and what an answer allows a browser to do."""

import re
from typing import Any

import pytest
from starlette.responses import HTMLResponse

from workflow.operator.console.guard import Guard

PORT, KEY = 8710, "the-key-of-this-start"
OWN = {"host": f"127.0.0.1:{PORT}", "cookie": f"sluice-{PORT}={KEY}"}
ORIGIN = f"http://127.0.0.1:{PORT}"


PAGE = HTMLResponse("<html><script>run()</script></html>")
GUARD = Guard(PAGE, PORT, KEY, {"https://files.example", "http://s3:1"})


def ask(headers: dict[str, str], method: str = "GET", query: str = "", kind: str = "http") -> list[dict[str, Any]]:
    """What is sent back, message by message."""
    scope = {
        "type": kind, "method": method, "path": "/", "raw_path": b"/", "query_string": query.encode(), "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "http_version": "1.1",
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    # Nothing in it waits for a loop, which would need a socket.
    with pytest.raises(StopIteration):
        GUARD(scope, receive, send).send(None)
    return sent


def status(headers: dict[str, str], **how: Any) -> int:
    return ask(headers, **how)[0]["status"]


def answer_headers(sent: list[dict[str, Any]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def nonce(sent: list[dict[str, Any]]) -> str:
    [found] = re.findall(r"'nonce-([^']+)'", answer_headers(sent)["content-security-policy"])
    return found


def test_the_person_who_started_it_may_read_and_write():
    assert status(OWN) == 200
    assert status({**OWN, "origin": ORIGIN}, method="POST") == 200


def test_localhost_leads_to_the_one_origin_that_storage_knows():
    sent = ask({**OWN, "host": f"localhost:{PORT}"}, query="within=1h")
    assert (sent[0]["status"], answer_headers(sent)["location"]) == (307, f"{ORIGIN}/?within=1h")


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", ""])
def test_another_host_name_is_refused_so_that_dns_cannot_be_rebound(host: str):
    assert status({**OWN, "host": host}) == 403


@pytest.mark.parametrize("origin", ["https://evil.example", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:9", "null"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_is_refused(origin: str, method: str):
    assert status({**OWN, "origin": origin}, method=method) == 403


def test_what_changes_something_must_say_where_it_comes_from():
    assert status(OWN, method="POST") == 403


@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_a_websocket_of_another_site_is_closed_before_it_opens(origin: str | None):
    sent = ask({**OWN, **({"origin": origin} if origin else {})}, kind="websocket")
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "websocket"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_and_ports_neither_open_nor_embed_it(site: str, mode: str):
    assert status({**OWN, "sec-fetch-site": site, "sec-fetch-mode": mode}) == 403


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_the_person_and_its_own_pages_open_it(site: str):
    assert status({**OWN, "sec-fetch-site": site, "sec-fetch-mode": "navigate"}) == 200


def test_without_the_key_of_this_start_nobody_comes_in():
    host = {"host": OWN["host"]}
    assert status(host) == 403
    assert status({**host, "cookie": f"sluice-{PORT}=another"}) == 403
    assert status(host, query="key=another") == 403


def test_the_address_with_the_key_leaves_a_cookie_that_scripts_cannot_read():
    sent = ask({"host": OWN["host"]}, query=f"key={KEY}&within=1h")
    headers = answer_headers(sent)
    assert (sent[0]["status"], headers["location"]) == (303, "/?within=1h")
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite=strict" in headers["set-cookie"]


def test_only_scripts_of_this_answer_run():
    first, second = ask(OWN), ask(OWN)
    nonces = [
        re.findall(r"'nonce-([^']+)'", answer_headers(sent)["content-security-policy"]) for sent in (first, second)
    ]
    assert nonces[0] != nonces[1]
    assert first[1]["body"] == f'<html><script nonce="{nonces[0][0]}">run()</script></html>'.encode()


def test_the_policy_lets_nothing_in_but_files_from_storage():
    headers = answer_headers(ask(OWN))
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert "'unsafe-inline'" not in rules["script-src"]
    assert rules["frame-ancestors"] == rules["form-action"] == rules["base-uri"] == "'none'"
    assert rules["frame-src"] == "http://s3:1 https://files.example"
    assert rules["media-src"] == "data: http://s3:1 https://files.example"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "origin")
