"""What is uploaded, from a TOML file: how many of each kind, how large, and how many are turned away."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from workflow.kinds import KINDS


class MixError(ValueError):
    """A mix that makes no sense; says which part and why."""


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind: `share` of all files, of `megabytes` each on average. `parts` of a video that is converted in parts."""

    share: float
    megabytes: float
    parts: int = 0


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rejected` and `duplicates` are shares of all files, beside those that succeed: more events than files."""

    kinds: Mapping[str, Share]
    rejected: float = 0.0
    duplicates: float = 0.0


TYPICAL = Mix(
    kinds=MappingProxyType(
        {
            "image": Share(0.80, 3.0),
            "document": Share(0.10, 1.0),
            "table": Share(0.05, 5.0),
            "audio": Share(0.03, 5.0),
            "video": Share(0.02, 40.0),
        }
    ),
    rejected=0.02,
    duplicates=0.01,
)


def read(path: Path) -> Mix:
    try:
        mix = msgspec.convert(tomllib.loads(path.read_text()), Mix)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise MixError(f"{path}: {exc}") from exc
    if problems := _problems(mix):
        raise MixError(f"{path}: {'; '.join(problems)}.")
    return mix


def _problems(mix: Mix) -> list[str]:
    problems: list[str] = []
    if unknown := sorted(set(mix.kinds) - set(KINDS)):
        problems.append(f"there are no kinds {unknown}, only {sorted(KINDS)}")
    total = sum(each.share for each in mix.kinds.values())
    if abs(total - 1) > 1e-6:  # noqa: PLR2004 - rounding
        problems.append(f"the shares of the kinds must add up to 1, not {total:g}")
    if any(each.share < 0 or each.megabytes <= 0 or each.parts < 0 for each in mix.kinds.values()):
        problems.append("shares, megabytes and parts must not be negative, and megabytes not 0")
    if any(each.parts for name, each in mix.kinds.items() if name != "video"):
        problems.append("only videos have parts")
    if not 0 <= mix.rejected <= 1 or not 0 <= mix.duplicates <= 1:
        problems.append("rejected and duplicates must be from 0 to 1")
    return problems
