"""Requests over the loopback interface count as encrypted.

Defect: with AUTH=true a bucket that demands TLS, as all of ours do, refuses every request, because the emulator speaks
plain HTTP. On AWS the same requests arrive over TLS.
"""

from infra.local.ministack import app

_stock_pin = app.pin_request_origin


def install() -> None:
    app.pin_request_origin = pin_as_secure


def pin_as_secure(source_ip: str, _secure_transport: bool) -> None:
    _stock_pin(source_ip, secure_transport=True)
