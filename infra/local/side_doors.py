"""The other sockets of the emulator's process, the functions' runtime APIs above all: loopback only, and no pages.

Nothing there is signed, as AWS's runtime clients do not: they ask at a port that their environment names.
"""

import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from typing import Any

from infra.local.callers import Listener

_stock_parse = BaseHTTPRequestHandler.parse_request


def close() -> None:
    """From now on, in all of this process."""
    BaseHTTPRequestHandler.parse_request = parse_own_request
    sys.addaudithook(keep_to_loopback)


def parse_own_request(self: BaseHTTPRequestHandler) -> bool:
    """Instead of `parse_request`: refuses what is of a page, or for another name."""
    if not _stock_parse(self):
        return False
    address: Any = self.server.server_address
    headers = {name.lower(): value for name, value in self.headers.items()}
    if refused := Listener(address[1]).refusal(headers):
        self.send_error(HTTPStatus.FORBIDDEN, explain=refused)
        return False
    return True


def keep_to_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook, https://docs.python.org/3/library/audit_events.html: no socket opens to the network."""
    if event != "socket.bind":
        return
    bound, address = arguments
    if bound.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
        raise PermissionError(f"The embedded AWS listens on this machine only, not at {address[0] or 'all addresses'}.")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
