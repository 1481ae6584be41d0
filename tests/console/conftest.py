"""The console as a person has it: the real local stack, the real server, and Chromium without a window."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.integration.conftest import SLUICE, LocalStack, start_stack  # noqa: F401 - a fixture
from tests.ports import free_port

PATIENCE_MS = 150_000
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP evil.test 127.0.0.1",
)
DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Visit:
    """A page of the console, and the address of the site."""

    page: Page
    site: str

    def go(self, path: str) -> Page:
        self.page.goto(self.site + path)
        return self.page

    def picture(self, name: str) -> None:
        """Write what is seen into the documentation, where that was asked for."""
        if os.environ.get("SLUICE_PICTURES"):
            seen = Image.open(BytesIO(self.page.screenshot(animations="disabled")))
            seen.save(DOCS / f"console-{name}.webp", quality=82, method=6)


@pytest.fixture(scope="session")
def stack(start_stack: Callable[[str], LocalStack]) -> LocalStack:  # noqa: F811 - a fixture of the same name
    return start_stack("console")


@pytest.fixture(scope="session")
def address(stack: LocalStack) -> Iterator[str]:
    """Where a running `sluice console` says that it is, with its key."""
    # NiceGUI leaves its middleware out where it sees pytest.
    environment = {name: value for name, value in stack.environment.items() if name != "PYTEST_CURRENT_TEST"}
    command = [SLUICE, "console", "--no-open", "--json", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=stack.folder, env=environment, stdout=subprocess.PIPE, text=True) as console:
        assert console.stdout
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(console.stdout.readline())
            assert lines[-1], "The console ended before it said where it is."
        yield json.loads("".join(lines))["url"]
        console.terminate()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "These tests need Chromium: install Debian's package with `apt-get install chromium`."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_console(chromium: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Open the console in a window of one's own; whatever a script complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(width: int = 1440, height: int = 900, theme: str = "light") -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return Visit(page, address.partition("/?")[0])

    expect.set_options(timeout=PATIENCE_MS)
    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def console(open_console: Callable[..., Visit]) -> Visit:
    return open_console()
