"""Tells requests of web pages apart by headers that no page can forge or leave out: for all that listens on loopback.

A page of another site reaches 127.0.0.1 from the same browser (CSRF), also under a name of its own (DNS rebinding).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

NAMES = ("127.0.0.1", "localhost", "[::1]")
OWN_OR_NEAR = (None, "none", "same-origin", "same-site")
"""What Sec-Fetch-Site may say: nothing (a program), a person's own navigation, or a page of this very machine."""
NEAR = "same-site"


@dataclass(frozen=True)
class Listener:
    """What answers at a port of this machine; with `subdomains` also at names below localhost, as S3's buckets do."""

    port: int
    subdomains: bool = False

    def refusal(self, headers: Mapping[str, str], origins: Collection[str] = ()) -> str | None:
        """Why a request is not for this listener; None where it is of a program, a person, an own page or `origins`.

        `headers` by their names in lower case.
        """
        host = headers.get("host", "")
        if not self._answers_at(host.lower()):
            return f"This answers at 127.0.0.1:{self.port} and localhost:{self.port} only."
        site, page = headers.get("sec-fetch-site"), page_of(headers)
        if site not in OWN_OR_NEAR or (page is None and site == NEAR):
            return "This takes no requests of other sites' pages."
        if page is not None and page not in (f"http://{host}", *origins):
            return "This takes no requests of other sites' pages."
        return None

    def _answers_at(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        return port == str(self.port) and (name in NAMES or (self.subdomains and name.endswith(".localhost")))


def page_of(headers: Mapping[str, str]) -> str | None:
    """The origin of the page that a request is of; browsers name it in one of two headers."""
    if "origin" in headers:
        return headers["origin"]
    if not (referer := headers.get("referer")):
        return None
    address = urlsplit(referer)
    return f"{address.scheme}://{address.netloc}"
