"""The pages for those who watch and mend: dead letters, versions, settings, health; stops, starts; who can use them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console.conftest import Visit
from tests.console.test_console import failed, put, start_batch, variant
from tests.integration.conftest import LocalStack
from tests.waiting import until
from workflow.operator.client import Sluice
from workflow.operator.operations.live_settings import change, written
from workflow.operator.releases import Releases
from workflow.operator.uploads import Upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HARMFUL = {"serious", "critical"}
LISTS = ("executions", "assets", "batches", "dead-letters", "versions", "settings", "health", "nothing")
KEYS = (("asset", "asset_id"), ("execution", "execution"))


@pytest.fixture
def held(stack: LocalStack) -> Iterator[Callable[[Path], str]]:
    """Uploads whose executions wait in Validate; gives the name of each."""
    client, functions = stack.client, stack.connection.lambda_
    validate = {"FunctionName": "sluice-local-validate"}
    functions.put_function_concurrency(**validate, ReservedConcurrentExecutions=0)

    def upload(path: Path) -> str:
        list(client.put([Upload(path, path.name)], lambda _: None))
        return until(lambda: next(iter(running(client, path.name)), None))

    yield upload
    functions.delete_function_concurrency(**validate)


def running(client: Sluice, key: str) -> list[str]:
    """Names of executions at work whose input has the key."""
    listed = client.executions(status="RUNNING", limit=50)
    return [each.name for each in listed if key in json.dumps(client.execution(each.name).input)]


def bury(stack: LocalStack, queue: str, body: Any, **attributes: str) -> None:
    """What a rule or a function gives up."""
    stack.connection.sqs.send_message(
        QueueUrl=stack.client.stack.dead_letters[queue],
        MessageBody=json.dumps(body),
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


def answer(page: Page, do: str, why: str = "") -> None:
    dialog = page.get_by_role("dialog")
    if why:
        dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name=do, exact=True).click()


def test_an_execution_is_stopped_on_its_page(console: Visit, stack: LocalStack, held: Any, tmp_path: Path) -> None:
    name = held(variant(tmp_path, "stopped-one.jpg"))
    page = console.go(f"/executions/{name}")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop 1 execution?")
    expect(page.get_by_role("dialog").get_by_role("button", name="Stop")).to_be_disabled()
    answer(page, "Stop", "a wrong recipe")
    expect(page.locator(".chip.is-aborted")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="a wrong recipe")).to_be_visible()
    assert stack.client.execution(name).status == "ABORTED"


def test_all_that_match_are_stopped_and_no_others(console: Visit, stack: LocalStack, held: Any, tmp_path: Path) -> None:
    meant = [held(variant(tmp_path, f"partner-{number}.jpg", number)) for number in range(2)]
    other = held(variant(tmp_path, "our-own.jpg"))
    page = console.go("/executions?text=partner-")
    page.get_by_role("button", name="Stop all that match").click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop 2 executions?")
    expect(page.get_by_role("dialog")).to_contain_text("partner-0.jpg")
    answer(page, "Stop", "sent twice")
    expect(page.get_by_text("2 stopped.")).to_be_visible()
    assert {stack.client.execution(name).status for name in meant} == {"ABORTED"}
    assert stack.client.execution(other).status == "RUNNING"


def test_an_input_of_ones_own_is_checked_and_then_started(console: Visit, stack: LocalStack, tmp_path: Path) -> None:
    record = put(stack, variant(tmp_path, "own-input.jpg"))
    page = console.go("/executions")
    page.get_by_role("button", name="Start with input").click()
    dialog = page.get_by_role("dialog")
    start = dialog.get_by_role("button", name="Start", exact=True)
    dialog.get_by_role("textbox", name="input").fill('{"bucket": "b", "colour": "red"}')
    expect(dialog.get_by_role("alert")).to_contain_text("colour")
    expect(start).to_be_disabled()
    wanted = {"bucket": record["bucket"], "key": record["key"], "version_id": record["version_id"], "force": True}
    dialog.get_by_role("textbox", name="input").fill(json.dumps(wanted))
    start.click()
    expect(page.locator(".chip.is-succeeded").first).to_be_visible()
    assert len(until(lambda: two_attempts(stack, record["asset_id"]))) == 2


def two_attempts(stack: LocalStack, asset: str) -> Any:
    attempts = stack.client.asset(asset).facts()["attempts"]
    return attempts if len(attempts) == 2 and "ended_at" in attempts[-1] else None


def test_dead_letters_are_looked_into_sent_again_and_discarded(console: Visit, stack: LocalStack) -> None:
    for name in ("first", "second"):
        bury(stack, "requests", {"bucket": "none-of-ours", "key": f"{name}.jpg"}, reason=f"{name} has no bucket")
    page = console.go("/dead-letters")
    page.get_by_role("link", name="requests").click()
    expect(page.get_by_text("Look: sluice dead-letters requests")).to_be_visible()
    expect(page.get_by_text("Given up: first has no bucket")).to_be_visible()
    page.get_by_role("checkbox", name="Choose first.jpg").click()
    page.get_by_role("button", name="Discard 1").click()
    answer(page, "Discard", "nobody mends it")
    expect(page.get_by_text("1 discarded.")).to_be_visible()
    expect(page.get_by_text("Given up: first has no bucket")).to_have_count(0)
    page.get_by_role("button", name="Redrive all").click()
    expect(page.get_by_role("dialog")).to_contain_text("puts each back into the request queue")
    answer(page, "Redrive")
    expect(page.get_by_text("1 sent again.")).to_be_visible()


def test_new_executions_are_given_to_another_version_and_back(console: Visit, stack: LocalStack) -> None:
    step_functions, machine = stack.connection.stepfunctions, stack.client.stack.state_machine_arn
    releases = Releases(stack.client.aws)
    [live] = releases.shares()
    definition = json.loads(step_functions.describe_state_machine(stateMachineArn=machine)["definition"])
    step_functions.update_state_machine(
        stateMachineArn=machine, definition=json.dumps({**definition, "Comment": "another"}), publish=True
    )
    other = max(each.number for each in releases.versions())
    page = console.go("/versions")
    page.get_by_role("button", name=f"Route new executions to version {other}").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"They run version {live} (100 %) now.")
    answer(page, "Roll forward")
    expect(page.get_by_text(f"New executions run version {other};")).to_be_visible()
    page.get_by_role("button", name=f"Route new executions to version {live}").click()
    answer(page, "Roll back")
    expect(page.get_by_text(f"New executions run version {live};")).to_be_visible()
    assert releases.shares() == {live: 100}


def test_a_live_setting_is_changed_after_its_preview_and_taken_back(console: Visit, stack: LocalStack) -> None:
    page = console.go("/settings")
    page.get_by_role("textbox", name="image", exact=True).fill("1 TiB")
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_text("max_bytes.KIND cannot be '1TiB'")).to_be_visible()
    page.get_by_role("textbox", name="image", exact=True).fill("50 MiB")
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_role("dialog")).to_contain_text("max_bytes.image: as deployed → 50MiB")
    answer(page, "Change")
    expect(page.get_by_text("version 2, of")).to_be_visible()
    assert written(stack.client).document == {"max_bytes": {"image": 50 * 1024**2}}
    change(stack.client, ["max_bytes.image="])


def test_health_tells_what_is_not_well_and_leads_to_it(console: Visit, stack: LocalStack) -> None:
    bury(stack, "restores", {"detail-type": "nothing of ours"})
    page = console.go("/health")
    expect(page.get_by_role("region", name="Needs attention")).to_contain_text("dead letters of restores")
    page.get_by_role("link", name="Dead letters of restores").click()
    expect(page.get_by_role("heading", name="Dead letters of restores")).to_be_visible()
    console.go("/health").get_by_role("button", name="Sweep now").click()
    answer(page, "Sweep")
    expect(page.get_by_text(re.compile(r"^Looked at \d+"))).to_be_visible()


def test_a_range_of_time_stands_in_the_address_and_is_opened_again(
    console: Visit, stack: LocalStack, tmp_path: Path
) -> None:
    put(stack, variant(tmp_path, "in-time.jpg"))
    for path in ("/assets", "/executions"):
        page = console.go(f"{path}?text=in-time&from=2020-01-01T00:00&to=2020-01-02")
        expect(page.get_by_role("heading", name=re.compile("match$"))).to_be_visible()
        page.get_by_label("to (UTC)").fill("2099-01-01T10:30")
        expect(page.get_by_text("in-time.jpg").first).to_be_visible()
        expect(page).to_have_url(re.compile(r"from=2020-01-01T00%3A00&to=2099-01-01T10%3A30"))
        page.reload()
        expect(page.get_by_label("to (UTC)")).to_have_value("2099-01-01T10:30")
        expect(page.get_by_text("in-time.jpg").first).to_be_visible()
        page = console.go(f"{path}?from=yesterday")
        expect(page.get_by_role("alert").filter(has_text="'yesterday'")).to_be_visible()


def test_failed_executions_of_a_name_have_rejected_files_among_them(
    console: Visit, stack: LocalStack, tmp_path: Path
) -> None:
    path = tmp_path / "turned-away.jpg"
    path.write_bytes(variant(tmp_path, "whole.jpg").read_bytes()[:9_000])
    put(stack, path)
    page = console.go("/executions?status=FAILED&text=turned-away")
    expect(page.get_by_role("row", name=re.compile("turned-away.jpg"))).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (1440, "dark"), (390, "dark")])
def test_nothing_keeps_people_from_using_any_page(
    open_console: Callable[..., Visit], stack: LocalStack, tmp_path: Path, width: int, theme: str
) -> None:
    [bad] = failed(stack, variant(tmp_path, f"hindered-{width}-{theme}.jpg"))
    good = put(stack, variant(tmp_path, f"used-{width}-{theme}.jpg"))
    bury(stack, "failures", {"detail-type": "nothing of ours"}, ErrorMessage="boom")
    batch = f"used-{width}-{theme}"
    start_batch(stack, batch, good)
    one = [f"/{kind}s/{record[name]}" for record in (good, bad) for kind, name in KEYS]
    lists = ("/", *(f"/{each}" for each in LISTS))
    visit = open_console(width, 900, theme=theme)
    found: list[str] = []
    for path in (*lists, *one, f"/batches/{batch}", "/dead-letters/failures"):
        page = visit.go(path)
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        expect(page.get_by_label("loading")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        violations = Axe().run(page).response["violations"]
        harmful = [each for each in violations if each["impact"] in HARMFUL]
        found += [f"{path}: {each['id']}: {each['nodes'][0]['html']}" for each in harmful]
    assert found == []
