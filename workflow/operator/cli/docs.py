"""`sluice docs`: the pages of docs/, wherever Sluice was installed from."""

from typing import Annotated

import typer
from rich.console import RenderableType

from workflow.operator.cli import views
from workflow.operator.cli.options import Json, Printer
from workflow.operator.docs import pages


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("docs")(docs_command)


def docs_command(
    page: Annotated[
        str | None,
        typer.Argument(help="As messages name it, such as docs/runbook.md#throttled; without it, list all pages."),
    ] = None,
    json: Json = False,
) -> None:
    """Show a page of the documentation, or its section below one heading."""
    printer = Printer(json)
    if page is None:
        titles = dict(pages.titles())
        printer.show(titles, lambda: _titles_view(titles))
        return
    try:
        text = pages.read(page)
    except pages.NoPageError as exc:
        raise typer.BadParameter(str(exc)) from exc
    printer.show({"page": page, "text": text}, lambda: _page_view(text))


def _page_view(text: str) -> RenderableType:
    # Imported here: reading Markdown takes longer to import than most commands to run.
    from rich.markdown import Markdown  # noqa: PLC0415

    return Markdown(text)


def _titles_view(titles: dict[str, str]) -> RenderableType:
    made = views.table("page", "title")
    for name, title in titles.items():
        made.add_row(name, title)
    return made
