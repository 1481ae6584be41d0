"""What a person does in the console, in a real browser on the real local stack."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.local.samples import FOLDER
from infra.local.stack import emulator_of
from tasks.shared.naming import technical_key
from tests.console.conftest import Visit
from tests.integration.conftest import LocalStack
from tests.integration.test_releases import execution_of, is_held
from tests.waiting import told, until
from workflow.operator.uploads import Upload

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


def failed(stack: LocalStack, *paths: Path) -> list[dict[str, Any]]:
    """Records of uploads for which StoreMetadata missed what Transform had found, until now."""
    s3, function = stack.connection.s3, {"FunctionName": "sluice-local-store-metadata"}
    stack.connection.lambda_.put_function_concurrency(**function, ReservedConcurrentExecutions=0)
    ids = [each.asset_id for each in stack.client.put([Upload(path, path.name) for path in paths], lambda _: None)]
    for asset in ids:
        execution = execution_of(stack, asset)
        until(lambda execution=execution: is_held(execution))
    found = [{"Bucket": stack.client.buckets.output, "Key": technical_key(asset)} for asset in ids]
    bodies = [s3.get_object(**each)["Body"].read() for each in found]
    for each in found:
        s3.delete_object(**each)
    stack.connection.lambda_.delete_function_concurrency(**function)
    records = told(stack.client.wait(ids, timeout=240))
    for each, body in zip(found, bodies, strict=True):
        s3.put_object(**each, Body=body, ContentType="application/json")
    return [records[asset] for asset in ids]


def put(stack: LocalStack, path: Path, key: str = "") -> dict[str, Any]:
    """Upload by the client; the record once it has ended."""
    [uploaded] = stack.client.put([Upload(path, key or path.name)], lambda _: None)
    return told(stack.client.wait([uploaded.asset_id], timeout=240))[uploaded.asset_id]


def start_batch(stack: LocalStack, name: str, record: dict[str, Any]) -> None:
    """A batch of one asset, started as any program may."""
    line = {each: record[each] for each in ("asset_id", "bucket", "key", "version_id")}
    manifest = {"bucket": stack.client.buckets.operations, "key": f"reprocess/{name}/manifest.jsonl"}
    stack.connection.s3.put_object(Bucket=manifest["bucket"], Key=manifest["key"], Body=json.dumps(line))
    wanted = {"manifest": manifest, "batch": name, "concurrency": 1, "tolerate_percent": 100, "by": "ada", "why": "x"}
    stack.client.aws.stepfunctions.start_execution(
        stateMachineArn=stack.client.stack.reprocess_machine_arn, name=name, input=json.dumps(wanted)
    )


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
    [record] = failed(stack, variant(tmp_path, "forest.jpg"))
    assert record["status"] == "failed"
    page = console.go(f"/executions/{record['execution']}")
    expect(node(page, "StoreMetadata")).to_have_class(r"node default failed")
    expect(page.get_by_role("alert")).to_contain_text("NoSuchKey")
    expect(page.get_by_label("Stack trace").first).to_contain_text("store_metadata/handler.py")
    page.get_by_role("button", name="Redrive").click()
    page.get_by_label("Why").fill("the file is back")
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    expect(node(page, "Archive")).to_have_class(r"node default succeeded")
    expect(page.get_by_text("redriven 1×")).to_be_visible()
    attempts = stack.client.asset(record["asset_id"]).facts()["attempts"]
    assert [each["trigger"] for each in attempts] == ["upload", "redrive"]


def test_several_failed_executions_are_chosen_and_redriven(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    names = ("several-1.jpg", "several-2.jpg")
    failed(stack, *(variant(tmp_path, name) for name in names))
    page = console.go("/")
    cause = page.get_by_role("link", name="NoSuchKey in StoreMetadata")
    expect(cause).to_have_attribute("href", re.compile("state=StoreMetadata"))
    page = console.go("/executions?text=several-")
    for name in names:
        page.get_by_role("checkbox", name=f"Choose {name}").click()
    page.get_by_role("button", name="Redrive 2").click()
    expect(page.get_by_role("dialog")).to_contain_text("Redrive 2 executions (2 NoSuchKey in StoreMetadata)?")
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    expect(page.get_by_text("All have ended: 2 succeeded.")).to_be_visible()
    expect(page.get_by_text("2 chosen, 0 of them failed")).to_be_visible()


def test_a_list_that_is_drawn_anew_keeps_the_focus(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    put(stack, variant(tmp_path, "kept-1.jpg"))
    page = console.go("/assets?text=kept-")
    first = page.get_by_role("checkbox", name="Choose kept-1.jpg")
    first.focus()
    put(stack, variant(tmp_path, "kept-2.jpg"))
    expect(page.get_by_role("listitem")).to_have_count(2)
    expect(first).to_be_focused()


def test_a_frozen_original_is_restored_and_then_reprocessed(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    record = put(stack, variant(tmp_path, "glacier.jpg"))
    source = {"Bucket": record["original"]["bucket"], "Key": record["original"]["key"]}
    frozen = stack.connection.s3.copy_object(**source, CopySource=source, StorageClass="DEEP_ARCHIVE")
    original = {**record["original"], "version_id": frozen["VersionId"]}
    stack.client.records.assets.table.set({"pk": f"asset#{record['asset_id']}", "sk": "record"}, {"original": original})
    page = console.go(f"/assets/{record['asset_id']}")
    page.get_by_role("button", name="Reprocess").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Bulk: up to 48 hours")
    dialog.get_by_role("radio", name="Bulk").click()
    dialog.get_by_label("Why").fill("a new recipe")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Attempt 2: restore, succeeded")).to_be_visible()
    expect(page.get_by_text("“a new recipe”")).to_be_visible()


def test_a_discarded_file_leaves_who_and_why(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    path = tmp_path / "spam.jpg"
    path.write_bytes((FOLDER / "dandelions.jpg").read_bytes()[:15_000])
    record = put(stack, path)
    page = console.go(f"/assets/{record['asset_id']}")
    page.get_by_role("button", name="Discard").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Discard")
    expect(confirm).to_be_disabled()
    page.get_by_label("Why").fill("spam")
    confirm.click()
    expect(page.locator(".chip.is-discarded").first).to_be_visible()
    expect(page.get_by_text(re.compile("Discarded .* by .*: spam"))).to_be_visible()
    expect(page.get_by_role("button", name="Release")).to_have_count(0)


def test_a_batch_is_stopped_and_resumed(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    record = put(stack, variant(tmp_path, "again.jpg"))
    functions = stack.connection.client("lambda")
    functions.put_function_concurrency(FunctionName="sluice-local-validate", ReservedConcurrentExecutions=0)
    start_batch(stack, "stopped", record)
    page = console.go("/batches/stopped")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".chip.is-aborted")).to_be_visible()
    functions.delete_function_concurrency(FunctionName="sluice-local-validate")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator(".chip.is-succeeded").first).to_be_visible()
    expect(page.get_by_role("cell", name="again.jpg")).to_be_visible()


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
    assert len(stack.client.asset(uploaded[0]).facts()["attempts"]) == 2


def test_names_that_are_markup_are_shown_as_text(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    key = "<img src=x onerror=document.title='run'>{{ 1237 * 1237 }}.jpg"
    record = put(stack, variant(tmp_path, "markup.jpg"), key)
    for path in ("/assets", f"/assets/{record['asset_id']}", "/executions", f"/executions/{record['execution']}"):
        page = console.go(path)
        expect(page.get_by_text("<img src=x").first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0
        assert page.title() != "run"
        assert "1530169" not in page.locator(".main").inner_text()


def test_everything_fits_a_phone_in_the_dark(
    open_console: Callable[..., Visit], stack: LocalStack, tmp_path: Path
) -> None:
    record = put(stack, variant(tmp_path, "pocket.jpg"))
    phone = open_console(390, 844, theme="dark")
    start_batch(stack, "pocket", record)
    one = (f"/executions/{record['execution']}", f"/assets/{record['asset_id']}", "/batches/pocket")
    for path in ("/", "/executions", "/assets", "/batches", *one):
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


def test_filters_stand_in_the_address_and_are_opened_again(console: Visit) -> None:
    page = console.go("/executions")
    page.get_by_role("textbox", name="file name or key").fill("hill")
    expect(page).to_have_url(re.compile(r"/executions\?text=hill$"))
    page.reload()
    expect(page.get_by_role("textbox", name="file name or key")).to_have_value("hill")
    page.get_by_role("textbox", name="file name or key").fill("")
    expect(page).to_have_url(re.compile(r"/executions$"))


def test_all_of_an_execution_is_there_to_read_and_to_take_along(
    console: Visit, stack: LocalStack, tmp_path: Path
) -> None:
    record = put(stack, variant(tmp_path, "lake.jpg"))
    page = console.go(f"/executions/{record['execution']}")
    expect(page).to_have_title(re.compile(r"^lake\.jpg · succeeded"))
    expect(node(page, "Quarantine")).to_have_count(0)
    page.get_by_role("switch", name="Error paths").click()
    expect(node(page, "Quarantine")).to_have_count(1)
    for label, seen in (("Events", "ExecutionSucceeded"), ("Definition", '"StartAt": "Validate"')):
        page.get_by_role("button", name=label).click()
        expect(page.get_by_text(seen)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as JSON").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert exported["execution"]["name"] == record["execution"]
    assert exported["events"][-1]["type"] == "ExecutionSucceeded"


def test_a_page_that_is_not_there_leads_on(console: Visit) -> None:
    page = console.go("/nothing")
    expect(page.get_by_text("No such page")).to_be_visible()
    page.get_by_role("link", name="Assets").click()
    expect(page.get_by_role("heading", name="Assets")).to_be_visible()


def test_a_stack_that_does_not_answer_is_told_of_above_what_was_seen_last(console: Visit, stack: LocalStack) -> None:
    page = console.go("/")
    expect(page.locator(".tile-value").first).to_be_visible()
    pid = emulator_of(stack.state_dir, None).pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        told = page.get_by_role("alert").filter(has_text="has not answered")
        expect(told).to_be_visible()
        expect(page.locator(".tile-value").first).to_be_visible()
        above, tile = told.bounding_box(), page.locator(".tile").first.bounding_box()
        assert above
        assert tile
        assert above["y"] < tile["y"]
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(told).to_have_count(0)
