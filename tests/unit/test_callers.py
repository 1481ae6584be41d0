"""Which requests are of programs, the person, or own pages, and which are of pages of other sites."""

import pytest

from infra.local.callers import Listener, page_of

PORT = 4566
HERE, CONSOLE, EVIL = f"http://127.0.0.1:{PORT}", "http://127.0.0.1:8710", "http://evil.example"
LISTENER, S3 = Listener(PORT), Listener(PORT, subdomains=True)

TAKEN: list[dict[str, str]] = [
    {},
    {"host": f"localhost:{PORT}"},
    {"host": f"LOCALHOST:{PORT}"},
    {"host": f"[::1]:{PORT}"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": HERE},
    {"sec-fetch-site": "same-site", "origin": CONSOLE},
    {"sec-fetch-site": "same-site", "referer": f"{CONSOLE}/"},
    {"origin": CONSOLE},
]
REFUSED: list[dict[str, str]] = [
    {"host": ""},
    {"host": "127.0.0.1"},
    {"host": "localhost"},
    {"host": f"127.0.0.1:{PORT + 1}"},
    {"host": f"evil.example:{PORT}"},
    {"host": f"localhost.evil.example:{PORT}"},
    {"host": f"127.0.0.1.evil.example:{PORT}"},
    {"host": f"127.0.0.1:{PORT}.evil.example"},
    {"host": f"evil@127.0.0.1:{PORT}"},
    {"host": f"0.0.0.0:{PORT}"},
    {"host": f"bucket.localhost:{PORT}"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": CONSOLE},
    {"sec-fetch-site": "cross-site", "referer": f"{HERE}/"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "same-site", "referer": "http://127.0.0.1:9/"},
    {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:9"},
    {"sec-fetch-site": "what comes next year"},
    {"sec-fetch-site": "none", "origin": EVIL},
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": ""},
    {"origin": HERE.replace("http", "https")},
    {"origin": f"{CONSOLE}.evil.example"},
    {"origin": "http://127.0.0.1"},
    {"origin": f"http://localhost:{PORT}"},
    {"referer": f"{EVIL}/127.0.0.1"},
]


def refusal(headers: dict[str, str], listener: Listener = LISTENER) -> str | None:
    return listener.refusal({"host": f"127.0.0.1:{PORT}"} | headers, {CONSOLE})


@pytest.mark.parametrize("headers", TAKEN, ids=str)
def test_what_is_of_this_machine_is_taken(headers: dict[str, str]) -> None:
    assert refusal(headers) is None


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_what_is_of_a_page_of_another_site_is_refused(headers: dict[str, str]) -> None:
    assert refusal(headers)


def test_a_request_without_a_host_is_refused() -> None:
    assert LISTENER.refusal({})


def test_buckets_have_names_below_localhost() -> None:
    assert refusal({"host": f"bucket.localhost:{PORT}"}, S3) is None
    assert refusal({"host": f"bucket.localhost.evil.example:{PORT}"}, S3)
    assert refusal({"host": f"evillocalhost:{PORT}"}, S3)


def test_a_listener_without_other_origins_takes_its_own_pages_only() -> None:
    own = {"host": f"127.0.0.1:{PORT}", "sec-fetch-site": "same-site", "origin": CONSOLE}
    assert LISTENER.refusal(own)
    assert LISTENER.refusal(own | {"origin": HERE}) is None


def test_the_header_that_names_the_origin_goes_before_the_one_that_names_the_page() -> None:
    assert page_of({"origin": "null", "referer": f"{CONSOLE}/page"}) == "null"
    assert page_of({"referer": f"{CONSOLE}/page?of=this"}) == CONSOLE
    assert page_of({}) is None
