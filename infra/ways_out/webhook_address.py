"""Where a webhook may send to: an HTTPS address with a public host's name, so that no setting points into a network."""

import re
from urllib.parse import SplitResult, urlsplit

HOST = re.compile(r"(?!.*\.(?:internal|local|localhost)$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
"""A name with a dot whose last part is no number: neither this machine, nor an IP address, nor a cloud's own name."""
LAPTOP = {"localhost", "127.0.0.1"}


def address_problems(url: str, *, on_a_laptop: bool) -> list[str]:
    """What is wrong with it, to follow the setting's name. On a laptop also plain HTTP, to the laptop itself."""
    address = urlsplit(url)
    problems = ["must have neither a user, nor a fragment"] if "@" in address.netloc or address.fragment else []
    if on_a_laptop and address.scheme == "http" and address.hostname in LAPTOP and _has_a_port(address):
        return problems
    if address.scheme != "https" or not HOST.fullmatch(address.hostname or "") or not _has_a_port(address):
        problems.append("must be an https address with the name of a public host")
    return problems


def _has_a_port(address: SplitResult) -> bool:
    """Given, or the scheme's own."""
    try:
        return address.port != 0
    except ValueError:
        return False
