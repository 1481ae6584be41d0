"""The tables of docs/cost.md and docs/scaling.md."""

from infra.stages.stages import built_in
from workflow import prices
from workflow.operator.cost import bounds, compare, mix, reference
from workflow.operator.cost.bill import Bill, bill
from workflow.operator.cost.measured import invocation, measured
from workflow.operator.cost.stages import plan_of
from workflow.operator.formatting import filled, table

FILES, MONTHS = 1_000_000, 12


def typical() -> Bill:
    return bill(FILES, mix.TYPICAL, plan_of(built_in()["prod"]), MONTHS)


def page(text: str) -> str:
    """The page with its tables as they are now; what is between them stays."""
    tables = {"bill": _bill(), "ways": _ways(), "reference": _reference(), "work": _work(), "prices": _prices()}
    return filled(text, {name: table(rows[0], rows[1:]) for name, rows in tables.items()})


def scaling_page(text: str) -> str:
    """The same of what bounds a stage."""
    tables = {"bounds": _bounds(), "day": _day()}
    return filled(text, {name: table(rows[0], rows[1:]) for name, rows in tables.items()})


Rows = list[tuple[str, ...]]


def _bill() -> Rows:
    made = typical()
    lines = [
        (line.component, line.what, f"{line.quantity:,.0f}", _quoted(line.price), f"{line.dollars:,.2f}")
        for line in made.lines
    ]
    each = f"{made.dollars / FILES * 1000:.4f} per 1,000 files"
    return [("component", "what", "quantity", "price", "$"), *lines, ("**all**", each, "", "", f"{made.dollars:,.2f}")]


def _ways() -> Rows:
    found = [(way.name, f"{way.dollars:,.2f}", way.gives_up or "–") for way in compare.ways(FILES, mix.TYPICAL)]
    return [("architecture", "$", "without"), *found]


def _reference() -> Rows:
    lines = [
        (line.what, f"{line.quantity:,.0f}", _quoted(line.price), f"{line.dollars:,.2f}") for line in reference.lines()
    ]
    return [("what", "quantity", "price", "$"), *lines]


def _work() -> Rows:
    rows: Rows = []
    for kind, share in mix.TYPICAL.kinds.items():
        sample = measured().kinds[kind]
        done = invocation(f"transform_{kind}", kind, share.megabytes)
        cpu = str(measured().functions[f"transform_{kind}"].cpu_ms)
        size = f"{sample.bytes / 1e6:.3f}"
        rows.append((kind, sample.sample, size, cpu, f"{sample.cpu_ms_per_mb:,.0f}", f"{done.milliseconds:,.0f}"))
    return [("kind", "sample", "MB", "CPU ms", "CPU ms per further MB", "ms for the mix's size"), *rows]


def _prices() -> Rows:
    rows = [
        (_plain(each.quoted), f"{each.per:,}" if each.per > 1 else "1", each.of, each.source) for each in prices.TABLE
    ]
    return [("$", "per", "of", "source"), *rows]


def _bounds() -> Rows:
    rows = [
        (
            each.what,
            f"{each.each:,.3g}",
            f"{each.each * bounds.FILES_PER_SECOND:,.0f}",
            f"{each.quota:,}" + (f" ({each.more})" if each.more else ""),
            f"{each.files_per_second:,.0f}",
            each.source,
        )
        for each in bounds.bounds()
    ]
    wanted = f"at {bounds.FILES_PER_SECOND:,} files a second"
    return [
        ("what", "per file", wanted, "default quota, per second", "files a second at the default", "AWS page"),
        *rows,
    ]


def _day() -> Rows:
    """What the processing of a day's files costs, by component."""
    made = bounds.processing()
    times = bounds.FILES_PER_DAY / made.files
    lines = [line for line in made.lines if not {line.component, line.what} & bounds.STORING]
    parts = sorted({line.component for line in lines})
    costs = {part: sum(line.dollars for line in lines if line.component == part) for part in parts}
    rows = [(part, f"{cost:.4f}", f"{cost * times:,.0f}") for part, cost in costs.items()]
    total = bounds.processing_dollars(made)
    return [("component", "$ per 1,000", "$ a day"), *rows, ("**all**", f"{total:.4f}", f"{total * times:,.0f}")]


def _quoted(price: prices.Price) -> str:
    return _plain(price.quoted) + (f" / {price.per:,}" if price.per > 1 else "")


def _plain(quoted: float) -> str:
    return f"{quoted:.10f}".rstrip("0").rstrip(".")
