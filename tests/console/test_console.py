"""What a person does in the console, in a real browser on the real local stack."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.local.samples import FOLDER
from tests.console.conftest import Visit
from tests.integration.conftest import LocalStack
from workflow.uploads import Upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

BATCH = 12
"""More than a handful, so that it becomes a batch."""


def variant(folder: Path, name: str, number: int = 0) -> Path:
    """A photograph whose bytes no other test has uploaded."""
    path = folder / name
    path.write_bytes((FOLDER / "dandelions.jpg").read_bytes() + f"{name} {number}".encode())
    return path


def upload(page: Page, *files: Path) -> None:
    page.get_by_role("button", name="Upload").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(files)


def node(page: Page, state: str) -> Any:
    return page.locator(".graph g.node", has_text=state)


@contextmanager
def broken(stack: LocalStack, function: str) -> Iterator[None]:
    """While this lasts, a function looks for its table where there is none."""
    functions = stack.connection.client("lambda")
    name = f"sluice-local-{function}"
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "TABLE_NAME": "gone"}}
    )
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def put(stack: LocalStack, path: Path, key: str = "") -> dict[str, Any]:
    """Upload by the client; the record once it has ended."""
    [uploaded] = stack.client.put([Upload(path, key or path.name)], lambda _: None)
    return stack.client.wait([uploaded.asset_id], timeout=240)[uploaded.asset_id]


def test_a_file_uploaded_on_the_page_is_seen_going_through_the_graph(console: Visit, tmp_path: Path) -> None:
    page = console.go("/")
    upload(page, variant(tmp_path, "meadow.jpg"))
    row = page.get_by_label("Uploads").locator(".item", has_text="meadow.jpg")
    row.get_by_role("link", name="execution").click()
    expect(page.get_by_role("heading", name="meadow.jpg")).to_be_visible()
    for state in ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"):
        expect(node(page, state)).to_have_class(r"node default succeeded")
    expect(page.locator(".chip.is-succeeded").first).to_be_visible()
    node(page, "Transform").click()
    expect(page.get_by_role("heading", name="Transform")).to_be_visible()
    page.get_by_role("button", name="Log lines of this state").click()
    expect(page.get_by_role("cell", name="done").first).to_be_visible()
    console.picture("execution")


def test_a_rejected_file_says_why_and_what_to_do(console: Visit) -> None:
    page = console.go("/assets")
    upload(page, FOLDER / "sunset-cut-off.jpg")
    row = page.get_by_label("Uploads").locator(".item", has_text="sunset-cut-off.jpg")
    expect(row.locator(".chip")).to_have_text("rejected")
    expect(row).to_contain_text("TruncatedFile")
    row.get_by_role("link", name="asset").click()
    reason = page.get_by_role("alert")
    expect(reason).to_contain_text("TruncatedFile")
    expect(reason).to_contain_text("What to do: upload it again, completely")
    expect(page.get_by_role("button", name="Release")).to_be_visible()


def test_a_release_needs_a_reason_which_the_record_keeps(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes((FOLDER / "dandelions.jpg").read_bytes()[:20_000])
    record = put(stack, path)
    page = console.go(f"/assets/{record['asset_id']}")
    page.get_by_role("button", name="Release").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Release")
    expect(confirm).to_be_disabled()
    page.get_by_label("Why").fill("limits were raised")
    confirm.click()
    expect(page.get_by_text("Attempt 2: release, rejected")).to_be_visible()
    expect(page.get_by_text("“limits were raised”")).to_be_visible()


def test_a_failed_execution_is_redriven_to_success(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    with broken(stack, "store-metadata"):
        record = put(stack, variant(tmp_path, "forest.jpg"))
        assert record["status"] == "failed"
    page = console.go(f"/executions/{record['execution']}")
    expect(node(page, "StoreMetadata")).to_have_class(r"node default failed")
    expect(page.get_by_role("alert")).to_contain_text("ResourceNotFoundException")
    expect(page.get_by_label("Stack trace").first).to_contain_text("store_metadata/handler.py")
    page.get_by_role("button", name="Redrive").click()
    page.get_by_label("Why").fill("the table is back")
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    expect(node(page, "Archive")).to_have_class(r"node default succeeded")
    expect(page.get_by_text("redriven 1×")).to_be_visible()
    attempts = stack.client.asset(record["asset_id"])["attempts"]
    assert [each["trigger"] for each in attempts] == ["upload", "redrive"]


def test_all_that_match_are_reprocessed_as_a_batch(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    items = [Upload(variant(tmp_path, f"crowd-{number}.jpg", number), f"crowd-{number}.jpg") for number in range(BATCH)]
    uploaded = [each.asset_id for each in stack.client.put(items, lambda _: None)]
    stack.client.wait(uploaded, timeout=400)
    page = console.go("/assets?text=crowd-&status=succeeded")
    expect(page.get_by_role("listitem")).to_have_count(BATCH)
    console.picture("assets")
    page.get_by_role("button", name="All that match").click()
    page.get_by_role("button", name="Reprocess").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Reprocess {BATCH} assets?")
    expect(dialog).to_contain_text("It costs")
    dialog.get_by_role("button", name="Reprocess").click()
    expect(page.get_by_role("heading", name="Batch")).to_be_visible()
    expect(page.locator(".chip.is-succeeded").first).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(BATCH + 1)
    console.picture("batch")
    assert len(stack.client.asset(uploaded[0])["attempts"]) == 2


def test_names_that_are_markup_are_shown_as_text(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    key = "<img src=x onerror=document.title='run'>{{ 1237 * 1237 }}.jpg"
    record = put(stack, variant(tmp_path, "markup.jpg"), key)
    for path in ("/assets", f"/assets/{record['asset_id']}", "/executions", f"/executions/{record['execution']}"):
        page = console.go(path)
        expect(page.get_by_text("<img src=x").first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0
        assert "run" not in page.title()
        assert "1530169" not in page.locator(".main").inner_text()


def test_everything_fits_a_phone_in_the_dark(
    open_console: Callable[..., Visit], stack: LocalStack, tmp_path: Path
) -> None:
    record = put(stack, variant(tmp_path, "pocket.jpg"))
    phone = open_console(390, 844, theme="dark")
    for path in ("/", "/executions", f"/executions/{record['execution']}", "/assets", f"/assets/{record['asset_id']}"):
        page = phone.go(path)
        expect(page.locator(".main .panel").first).to_be_visible()
        expect(page.get_by_label("loading")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.body.classList.contains('body--dark')")


def test_the_keyboard_comes_to_the_content_first(console: Visit) -> None:
    page = console.go("/executions")
    expect(page.get_by_role("heading", name="Executions")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.classList.contains('main')")


def test_nothing_is_fetched_from_elsewhere(console: Visit, stack: LocalStack) -> None:
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/executions", "/assets", "/batches"):
        page = console.go(path)
        expect(page.get_by_label("loading")).to_have_count(0)
    own = (console.site, f"http://127.0.0.1:{stack.port}", "data:", "blob:", console.site.replace("http", "ws"))
    assert [url for url in asked if not url.startswith(own)] == []


def test_a_stranger_is_told_how_to_come_in(console: Visit, open_console: Callable[..., Visit]) -> None:
    visit = open_console()
    visit.page.context.clear_cookies()
    assert "it carries the key of this start" in visit.go("/").inner_text("body")


def test_the_overview_counts_what_happened(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    put(stack, variant(tmp_path, "hill.jpg"))
    page = console.go("/?within=1h")
    counted = page.locator(".tile", has_text="succeeded").locator(".tile-value")
    expect(counted).to_have_text(re.compile(r"[1-9]\d*"))
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()
    console.picture("overview")
