"""`sluice cost`: the monthly bill on AWS for so many files of such a mix, from measured work and listed prices."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from infra.stages.read import SettingsError
from infra.stages.stages import settings_of
from workflow import prices
from workflow.operator.cli import views
from workflow.operator.cli.options import Json, Printer
from workflow.operator.cost import compare, mix, reference, svg
from workflow.operator.cost.bill import Bill, Line, bill
from workflow.operator.cost.compare import Way
from workflow.operator.cost.measured import measured
from workflow.operator.cost.stages import plan_of
from workflow.operator.cost.storage import Plan

BAR_CELLS = 32


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("cost")(cost_command)


def cost_command(
    files: Annotated[int, typer.Option(help="How many files are uploaded in a month.", min=1)] = 1_000_000,
    mix_file: Annotated[
        Path | None,
        typer.Option("--mix", help="A TOML file with the mix of kinds and sizes.", exists=True, dir_okay=False),
    ] = None,
    months: Annotated[int, typer.Option(help="How many months of such uploads are in storage.", min=1, max=120)] = 12,
    stage: Annotated[str, typer.Option("--stage", help="Whose lifecycle rules apply.")] = "prod",
    plot: Annotated[Path | None, typer.Option(help="Also draw an SVG to this file.", dir_okay=False)] = None,
    json: Json = False,
) -> None:
    """Estimate the monthly AWS bill by component, and that of other architectures. Makes no call to AWS."""
    wanted = _mix(mix_file)
    made = bill(files, wanted, _plan(stage), months)
    others = compare.ways(files, wanted)
    if plot:
        plot.write_text(svg.draw(made))
    Printer(json).show(_facts(made, others), lambda: _view(made, others))


def _mix(path: Path | None) -> mix.Mix:
    try:
        return mix.read(path) if path else mix.TYPICAL
    except mix.MixError as exc:
        raise typer.BadParameter(str(exc), param_hint="--mix") from exc


def _plan(stage: str) -> Plan:
    try:
        settings = settings_of(stage)
    except SettingsError as exc:
        raise typer.BadParameter(str(exc), param_hint="--stage") from exc
    return plan_of(settings)


def _facts(made: Bill, others: list[Way]) -> dict[str, Any]:
    return {
        "files": made.files,
        "month": len(made.months),
        "dollars": made.dollars,
        "dollars_per_1000_files": made.dollars / made.files * 1000,
        "components": made.components,
        "lines": [_line_facts(line) for line in made.lines],
        "usage": asdict(made.usage),
        "storage": [dict(month.gigabytes) for month in made.months],
        "architectures": [asdict(way) for way in others],
        "reference": [_line_facts(line) for line in reference.lines()],
        "prices_listed": prices.LISTED,
        "measured": measured().measured,
    }


def _line_facts(line: Line) -> dict[str, Any]:
    return {
        "component": line.component,
        "what": line.what,
        "quantity": line.quantity,
        "unit_dollars": float(line.price),
        "dollars": line.dollars,
    }


def _view(made: Bill, others: list[Way]) -> RenderableType:
    return Group(*_bill_view(made), *_storage_view(made), *_ways_view(others), *_reference_view())


def _bill_view(made: Bill) -> Iterator[RenderableType]:
    title = f"{made.files:,} files a month, the bill of month {len(made.months)}, in US dollars"
    table = views.table("component", "what", "quantity", "price", "dollars", title=title)
    for line in made.lines:
        price = f"{line.price.quoted:g}" + (f" / {line.price.per:,}" if line.price.per > 1 else "")
        table.add_row(line.component, line.what, f"{line.quantity:,.0f}", price, f"{line.dollars:,.2f}")
    yield table
    yield _bars(made.components)
    each = made.dollars / made.files * 1000
    yield Text(f"${made.dollars:,.2f} in all, ${each:.4f} per 1,000 files", style="bold")
    yield Text(f"Prices of us-east-1 as listed on {prices.LISTED}; functions measured on {measured().measured}.")


def _bars(components: dict[str, float]) -> RenderableType:
    most = max(components.values()) or 1
    rows = [(name, "█" * round(dollars / most * BAR_CELLS) or "▏") for name, dollars in components.items()]
    return views.pairs((name, f"{bar} ${components[name]:,.2f}") for name, bar in rows)


def _storage_view(made: Bill) -> Iterator[RenderableType]:
    used = list(made.months[-1].gigabytes)
    table = views.table("month", *used, "dollars", title="Stored in S3, GB-months by class")
    for number, month in enumerate(made.months, 1):
        dollars = sum(month.stored_dollars.values()) + month.moved_dollars
        stored = [f"{month.gigabytes.get(name, 0):,.0f}" for name in used]
        table.add_row(str(number), *stored, f"{dollars:,.2f}")
    yield table


def _ways_view(others: list[Way]) -> Iterator[RenderableType]:
    table = views.table("architecture", "dollars", "without", title="Orchestration and computing alone, otherwise")
    for way in others:
        table.add_row(way.name, f"{way.dollars:,.2f}", way.gives_up)
    yield table


def _reference_view() -> Iterator[RenderableType]:
    title = "A published table: 3 million invocations of 200 ms at 512 MB, 5 TB"
    table = views.table("component", "what", "quantity", "dollars", title=title)
    for line in reference.lines():
        table.add_row(line.component, line.what, f"{line.quantity:,.0f}", f"{line.dollars:,.2f}")
    yield table
    yield Text(
        f"It says ${reference.PUBLISHED_COMPUTE:,.0f} for computing: ${reference.published_price_per_ms():.2g} a "
        f"millisecond, where Lambda's price is ${reference.price_per_ms():.2g}."
    )
