"""One HTTPS request to the one address that the stage names: no redirect is followed, and no private network reached.

Plain HTTP is spoken to this very machine only, which on Lambda is nobody: it is for receivers on a laptop.
"""

import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 5
"""For each of: connecting, agreeing on TLS, sending, and the answer's first line."""
TAKEN = range(200, 300)


class NotTakenError(Exception):
    """The receiver was not reached, or did not say that it has taken the message."""


def post(url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Returns once the receiver has said that it took `body`; raises NotTakenError."""
    address = urlsplit(url)
    connection = _connection(address)
    try:
        connection.connect()
        _check_peer(address, connection.sock)
        target = address._replace(scheme="", netloc="", path=address.path or "/").geturl()
        connection.request("POST", target, body, dict(headers))
        status = connection.getresponse().status
    except (OSError, HTTPException) as exc:
        raise NotTakenError(f"{address.hostname} was not reached: {exc!r}") from exc
    finally:
        connection.close()
    if status not in TAKEN:
        raise NotTakenError(f"{address.hostname} answered {status}")


def _connection(address: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    return kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)


def _check_peer(address: SplitResult, connected: socket.socket) -> None:
    """Looks at who was reached, as a name may lead anywhere by now."""
    peer = ip_address(connected.getpeername()[0].partition("%")[0])
    if not may_go_to(peer, secure=address.scheme == "https"):
        raise NotTakenError(f"{address.hostname} leads to {peer}, where no {address.scheme} message may go")


def may_go_to(peer: IPv4Address | IPv6Address, *, secure: bool) -> bool:
    """HTTPS anywhere on the internet, and into no network of its own; HTTP no further than this machine."""
    return peer.is_global if secure else peer.is_loopback
