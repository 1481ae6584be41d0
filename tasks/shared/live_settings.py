"""What operators change while the stage runs: one JSON document in Parameter Store.

What decides the bytes that are published, or what has happened once, is no live setting: it comes with a deployment.
`sluice settings` shows and changes the document; a function that finds one it does not understand keeps to the last.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from tasks.shared.observe import count, logger
from workflow.errors import TransientError
from workflow.kinds import KINDS
from workflow.limits import LATE_EVENT_MINUTES

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

KindName = StrEnum("KindName", list(KINDS))


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is left out stays as the stage has it.

    `refused_kinds` are not taken in; `max_bytes` lowers the limit of a kind, which its functions are made for;
    `sweep_older_than_minutes` is for how long something must not have changed before the sweeper takes it up.
    """

    refused_kinds: frozenset[KindName] = frozenset()
    max_bytes: dict[KindName, Annotated[int, msgspec.Meta(ge=1)]] = msgspec.field(default_factory=dict)
    sweep_older_than_minutes: Annotated[float, msgspec.Meta(ge=LATE_EVENT_MINUTES)] | None = None

    def __post_init__(self) -> None:
        for kind, limit in self.max_bytes.items():
            if limit > KINDS[kind].max_bytes:
                raise ValueError(f"max_bytes of {kind} can be lowered from {KINDS[kind].max_bytes:,}, not raised")


def parameter_name(stage: str) -> str:
    return f"/sluice/{stage}/settings"


def from_document(text: str) -> LiveSettings:
    """Raises msgspec.DecodeError, which names the field that is wrong."""
    return msgspec.json.decode(text, type=LiveSettings)


class LiveParameter:
    """The parameter of this name, read again after POWERTOOLS_PARAMETERS_MAX_AGE seconds."""

    def __init__(self, ssm: "SSMClient", name: str) -> None:
        self._provider = SSMProvider(boto3_client=ssm)
        self._name = name
        self._last: LiveSettings | None = None

    def now(self) -> LiveSettings:
        """The settings as they were a short while ago; those told last, while Parameter Store does not answer."""
        try:
            self._last = from_document(self._told())
        except GetParameterError as exc:
            if self._last is None:
                raise TransientError(f"Parameter Store did not tell {self._name}: {exc}") from exc
            logger.warning("live settings not told", extra={"parameter": self._name, "reason": str(exc)})
        except msgspec.DecodeError as exc:
            logger.error("live settings not understood", extra={"parameter": self._name, "reason": str(exc)})
            count("LiveSettingsNotUnderstood")
        return self._last or LiveSettings()

    def _told(self) -> str:
        return cast("str", self._provider.get(self._name))
