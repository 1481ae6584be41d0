"""The pages, one module each: what they ask for is in the modules beside this package, how it looks is here."""

from workflow.operator.console.frame import Console
from workflow.operator.console.pages import (
    asset,
    assets,
    batches,
    dead_letters,
    execution,
    executions,
    health,
    overview,
    settings,
    versions,
)


def add_to_site(console: Console) -> None:
    """Register every page for one stage."""
    for page in (overview, executions, execution, assets, asset, batches, dead_letters, versions, settings, health):
        page.add_to_site(console)
