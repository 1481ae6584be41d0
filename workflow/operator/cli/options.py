"""What all commands share: which stage they speak to, and whether they print for people or for programs."""

import functools
import inspect
import json as jsonlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from workflow.kinds import KINDS
from workflow.operator.client import STATUSES, Sluice
from workflow.operator.stack import LOCAL, Connection

PIPED_WIDTH = 200
"""Columns of a table that no terminal bounds."""

MAX_SPAN = timedelta(days=10_000)

STDOUT = Console(width=None if sys.stdout and sys.stdout.isatty() else PIPED_WIDTH)
STDERR = Console(stderr=True)

Stage = Annotated[str, typer.Option("--stage", envvar="SLUICE_STAGE", help="The stage to speak to.")]
Profile = Annotated[str | None, typer.Option("--profile", help="The AWS profile; not for the local stage.")]
Region = Annotated[str | None, typer.Option("--region", help="The AWS region; not for the local stage.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

Since = Annotated[str | None, typer.Option(help="Within this time, such as 30m, 12h or 2d.")]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1)]
Timeout = Annotated[float, typer.Option(help="How long to wait, in seconds.", min=1)]
AssetStatus = StrEnum("AssetStatus", list(STATUSES))
KindName = StrEnum("KindName", list(KINDS))


def moment_of(since: str | None) -> datetime | None:
    """When a span of time, such as 2d, began."""
    return datetime.now(UTC) - span_of(since) if since else None


def span_of(text: str) -> timedelta:
    """A span of time that a person has written, such as 2d."""
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a span of time such as 30m, 12h or 2d.")
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]
    if seconds > MAX_SPAN.total_seconds():
        raise typer.BadParameter(f"{text!r} is longer than {MAX_SPAN.days:,}d, before which nothing was.")
    return timedelta(seconds=seconds)


@dataclass(frozen=True)
class Printer:
    """One result, for people or for programs. Progress and problems go to standard error."""

    json: bool

    def show(self, data: Any, view: Callable[[], RenderableType]) -> None:
        if self.json:
            print(jsonlib.dumps(data, indent=2, default=str))
        else:
            made = view()
            STDOUT.print(made, soft_wrap=isinstance(made, str), markup=False, highlight=False)


def command(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `work(sluice, printer, …)` as a command with the options of every command added."""

    def register(work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def run(*, stage: str, profile: str | None, region: str | None, json: bool, **own: Any) -> Any:
            sluice = Sluice(Connection(stage, profile=profile, region=region))
            try:
                return work(sluice, Printer(json), **own)
            finally:
                _warn_of_unreadable(sluice)

        vars(run)["__signature__"] = _with_shared_options(work)
        app.command(name)(run)
        return work

    return register


def _warn_of_unreadable(sluice: Sluice) -> None:
    for each in sluice.unreadable():
        STDERR.print(f"Left out: {each.problem}", markup=False, highlight=False, soft_wrap=True)


def _with_shared_options(work: Callable[..., Any]) -> inspect.Signature:
    own = list(inspect.signature(work).parameters.values())[2:]
    shared = {"stage": (Stage, LOCAL), "profile": (Profile, None), "region": (Region, None), "json": (Json, False)}
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in shared.items()
    ]
    keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    return inspect.Signature([*keyword, *options])
