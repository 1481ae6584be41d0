"""What a stage reads from Parameter Store: shown, and changed to nothing that its functions would not understand."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

import msgspec

from tasks.shared.live_settings import LiveSettings, from_document, parameter_name
from workflow.errors import SluiceError
from workflow.operator.client import Sluice
from workflow.operator.stack import NotThereError
from workflow.units import GIB, MIB

MEANS: Mapping[str, str] = MappingProxyType(
    {
        "refused_kinds": "kinds that are not taken in",
        "max_bytes": "limits that are lower than the kinds' own",
        "sweep_older_than_minutes": "for how long something must not have changed before it is swept",
    }
)
AS_DEPLOYED = "as deployed"
UNITS: Mapping[str, int] = MappingProxyType({"MiB": MIB, "GiB": GIB})


class WrongSettingError(SluiceError):
    """Settings that no function would understand; the message says what is wrong with them."""


@dataclass(frozen=True)
class Change:
    """A setting that will be another."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Written:
    """What is in Parameter Store."""

    name: str
    text: str
    version: int
    changed_at: datetime

    @property
    def document(self) -> dict[str, Any]:
        try:
            return msgspec.json.decode(self.text, type=dict[str, Any])
        except msgspec.DecodeError as exc:
            fix = f"aws ssm put-parameter --name {self.name} --value '{{}}' --overwrite"
            raise WrongSettingError(f"{self.name} holds no JSON object: {exc}. Reset it with `{fix}`.") from exc


def written(sluice: Sluice) -> Written:
    ssm, name = sluice.aws.ssm, parameter_name(sluice.stack.stage)
    try:
        found: Any = ssm.get_parameter(Name=name)["Parameter"]
    except ssm.exceptions.ParameterNotFound as exc:
        raise NotThereError(f"There is no parameter {name}. Deploy the stage again, with this Sluice.") from exc
    return Written(name, found["Value"], found["Version"], found["LastModifiedDate"])


def planned(found: Written, changes: Iterable[str]) -> list[Change]:
    """What changes such as `max_bytes.image=50MiB` would do; without a value, what was deployed holds again."""
    before, after = _flat(found.document), _flat(_after(found.document, changes))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [Change(name, before.get(name, AS_DEPLOYED), after.get(name, AS_DEPLOYED)) for name in names]


def change(sluice: Sluice, changes: Iterable[str]) -> int:
    """Apply them; the number of the version that holds now."""
    before = written(sluice)
    value = msgspec.json.encode(_after(before.document, changes), order="sorted").decode()
    return sluice.aws.ssm.put_parameter(Name=before.name, Value=value, Overwrite=True)["Version"]


def _after(document: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The document after all changes, as the functions understand it."""
    for each in changes:
        document = changed(document, each)
    return msgspec.to_builtins(checked(document), order="sorted")


def _flat(document: Mapping[str, Any]) -> dict[str, str]:
    """Each setting by the name that it is changed by, as a person writes its value."""
    flat: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            limits = cast("Mapping[str, int]", value)
            flat |= {f"{name}.{member}": spelled(each) for member, each in limits.items()}
        elif value:
            flat[name] = spelled(value)
    return flat


def spelled(value: Any) -> str:
    """As it is written in a change: names with commas, bytes in the largest unit that loses none."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, cast("Sequence[str]", value)))
    if isinstance(value, float):
        return f"{value:g}"
    unit = next((each for each in ("GiB", "MiB") if value % UNITS[each] == 0), None)
    return f"{value // UNITS[unit]}{unit}" if unit else str(value)


def checked(document: Mapping[str, Any]) -> LiveSettings:
    """Raises WrongSettingError, which names the field."""
    try:
        return from_document(json.dumps(document))
    except msgspec.DecodeError as exc:
        raise WrongSettingError(f"These settings are not valid: {exc}.") from exc


def changed(document: Mapping[str, Any], change: str) -> dict[str, Any]:
    """The document after one change."""
    setting, _, text = change.partition("=")
    name, dot, member = setting.partition(".")
    form = f"{name}.KIND" if dot else name
    if "=" not in change or form not in READERS:
        names = ", ".join(READERS)
        raise WrongSettingError(f"{change!r} is not a valid assignment: write NAME=VALUE, with a name of {names}.")
    if not dot:
        return _with(document, name, _read(form, text))
    return _with(document, name, _with(document.get(name, {}), member, _read(form, text)))


def _with(values: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """With another value of that name, or without one."""
    others = {each: held for each, held in values.items() if each != name}
    return others if value is None else {**others, name: value}


def _read(form: str, text: str) -> Any:
    try:
        return READERS[form](text) if text else None
    except (ValueError, OverflowError) as exc:
        raise WrongSettingError(f"{form} cannot be {text!r}.") from exc


def _bytes(text: str) -> int:
    """50MiB, 2GiB, or a number of bytes."""
    unit = text[-3:]
    return int(float(text[:-3]) * UNITS[unit]) if unit in UNITS else int(text)


def _names(text: str) -> list[str]:
    return text.split(",")


READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {"refused_kinds": _names, "max_bytes.KIND": _bytes, "sweep_older_than_minutes": float}
)
