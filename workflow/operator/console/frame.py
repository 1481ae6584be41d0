"""What all pages share: the stage that they show, the head with its navigation, and the way to upload."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from nicegui import ui

from workflow.operator.client import Sluice
from workflow.operator.console.files import Files
from workflow.operator.console.uploads import Uploads
from workflow.operator.console.widgets import box, button, link, text
from workflow.operator.stack import LOCAL

STATIC = Path(__file__).parent / "static"
NAVIGATION = {
    "Overview": "/", "Executions": "/executions", "Assets": "/assets", "Batches": "/batches",
    "Dead letters": "/dead-letters", "Versions": "/versions", "Settings": "/settings", "Health": "/health",
}  # fmt: skip
THEMES: Mapping[str, bool | None] = {"Follow the system": None, "Light": False, "Dark": True}
THEME_ICONS = {None: "brightness_auto", False: "light_mode", True: "dark_mode"}


@dataclass(frozen=True)
class Console:
    """One stage as the pages see it; `by` is who is written down for what is done."""

    sluice: Sluice
    by: str
    theme: dict[str, bool | None] = field(default_factory=lambda: {"dark": None})

    @cached_property
    def files(self) -> Files:
        return Files(self.sluice)

    def step_functions_url(self, arn: str) -> str | None:
        """The execution's page in AWS's console; there is none for the laptop."""
        region = self.sluice.stack.region
        if self.sluice.stack.endpoint:
            return None
        page = f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        return f"{page}#/v2/executions/details/{quote(arn, safe=':')}"


@contextmanager
def frame(console: Console, title: str, *, at: str) -> Generator[None]:
    """A whole page; `at` names the entry of the navigation that it belongs to."""
    version = int((STATIC / "console.css").stat().st_mtime)
    ui.page_title(f"{title} · Sluice")
    ui.add_head_html(f'<link rel="stylesheet" href="/static/console.css?{version}">')
    ui.add_head_html(f'<script defer src="/static/console.js?{version}"></script>')
    uploads = Uploads(console.sluice)
    with box("top", tag="header"):
        _brand(console.sluice.stack.stage)
        _navigation(at)
        with box("bar"):
            button("Upload", "upload", look="primary", on_click=uploads.open)
            _theme_menu(console.theme)
    with box("main") as main:
        ui.skip_link("Skip to the content", target=main)
        yield


def _brand(stage: str) -> None:
    with link("", "/", "brand").props('aria-label="Sluice, overview"'):
        box("brand-mark").props("aria-hidden=true")
        text("Sluice")
    text("this machine" if stage == LOCAL else stage, classes="stage")


def _navigation(at: str) -> None:
    with box("nav grow", tag="nav").props("aria-label=Main"):
        for name, path in NAVIGATION.items():
            made = link(name, path)
            if name == at:
                made.props("aria-current=page")


def _theme_menu(theme: dict[str, bool | None]) -> None:
    mode = ui.dark_mode(theme["dark"])

    def choose(dark: bool | None) -> None:
        theme["dark"] = mode.value = dark
        opener.props(f"icon={THEME_ICONS[dark]}")

    with button("", THEME_ICONS[theme["dark"]], look="quiet").props('aria-label="Light or dark"') as opener, ui.menu():
        for name, dark in THEMES.items():
            ui.menu_item(name, on_click=_chooser(choose, dark))


def _chooser(choose: Callable[[bool | None], None], dark: bool | None) -> Callable[[], None]:
    return lambda: choose(dark)


def page_head(title: str, *, crumbs: str = "", crumbs_to: str = "") -> ui.element:
    """The heading of a page; what is drawn within it stands at its right."""
    with box("head"):
        with box("head-text"):
            if crumbs:
                link(f"← {crumbs}", crumbs_to, "crumbs")
            text(title, "h1")
        return box("bar")
