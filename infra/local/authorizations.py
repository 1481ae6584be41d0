"""Writes down what every role was allowed and refused, a JSON line each: which permissions are used, and which are not.

The server does so where `SLUICE_AUTHORIZATIONS` names a file and AUTH=true.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from infra.local.ministack import iam_evaluator

ROLE_SESSION = "assumed-role"


class Enforce(Protocol):
    """The emulator's: None for what is allowed."""

    def __call__(self, access_key: str, action: str, service: str, region: str, **about: Any) -> Any: ...


@dataclass(frozen=True)
class Authorization:
    """What a role wanted of a resource, and whether it got it."""

    role: str
    action: str
    resource: str
    allowed: bool


def record_to(file: Path) -> None:
    """From now on, of this process."""
    iam_evaluator.enforce = recording(iam_evaluator.enforce, file.open("a", buffering=1))


def recording(enforce: Enforce, to: TextIO) -> Enforce:
    def enforce_and_record(access_key: str, action: str, service: str, region: str, **about: Any) -> Any:
        refusal = enforce(access_key, action, service, region, **about)
        if role := role_of(access_key):
            authorization = Authorization(role, action, about.get("resource_arn", "*"), allowed=refusal is None)
            to.write(json.dumps(asdict(authorization)) + "\n")
        return refusal

    return enforce_and_record


def role_of(access_key: str) -> str | None:
    """The name of the role that the key is a session of."""
    caller: dict[str, Any] = iam_evaluator.resolve_caller_identity(access_key) or {}
    kind, _, session = str(caller.get("userArn", "")).rpartition(":")[2].partition("/")
    return session.partition("/")[0] if kind == ROLE_SESSION else None


def read(file: Path) -> frozenset[Authorization]:
    """All that was written down, without repetitions."""
    return frozenset(Authorization(**json.loads(line)) for line in file.read_text().splitlines())
