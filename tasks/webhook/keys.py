"""The keys that the webhook signs with: the current one and, after a rotation, the one before.

A receiver may go on with the old key for as long as it likes, and needs to tell nobody when it takes the new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.webhook.signature import key_from

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_SECONDS = 60


@dataclass
class SigningKeys:
    """Those in a secret, read at most once a minute; `clock` counts seconds."""

    secrets: "SecretsManagerClient"
    secret_arn: str
    clock: Callable[[], float]
    _keys: tuple[bytes, ...] = ()
    _expire: float = 0

    def now(self) -> tuple[bytes, ...]:
        if not self._keys or self.clock() >= self._expire:
            self._keys = (self._current(), *self._previous())
            self._expire = self.clock() + MAX_AGE_SECONDS
        return self._keys

    def _current(self) -> bytes:
        return key_from(self._read("AWSCURRENT"))

    def _previous(self) -> tuple[bytes, ...]:
        try:
            return (key_from(self._read("AWSPREVIOUS")),)
        except self.secrets.exceptions.ResourceNotFoundException:
            return ()

    def _read(self, stage: str) -> str:
        return self.secrets.get_secret_value(SecretId=self.secret_arn, VersionStage=stage)["SecretString"]
