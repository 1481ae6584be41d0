"""What README and docs name exists, and what exists is named where it belongs; mistakes of each kind are found."""

import re
import tomllib

import pytest

from infra.stages.read import make
from infra.stages.settings import Settings
from tasks.sweep.report import METRICS
from tests.unit.documentation import HISTORY, PAGES, ROOT, code, tasks, unknown
from workflow.errors import explanations
from workflow.operator.cli.commands import COMMANDS
from workflow.operator.docs.pages import anchors

CURRENT = {name: text for name, text in PAGES.items() if name != HISTORY}
SETTINGS = set(Settings.__struct_fields__)
OF_PROCESSES = {"SLUICE_AUTHORIZATIONS", "SLUICE_MINUTE_SECONDS", "SLUICE_ORIGINS", "SLUICE_STOCK_AWS"}
"""Variables by which one process of the local stack, or a test of it, tells another."""


@pytest.mark.parametrize("page", CURRENT)
def test_what_a_page_names_exists(page: str) -> None:
    assert list(unknown(page, CURRENT[page])) == []


MUTATIONS = {
    "a setting that was removed": ("docs/notifications.md", "`webhook_paused`", "`webhook_pausing`"),
    "a setting of another topic": ("docs/runbook.md", "`rollout.max_failures`", "`rollout.webhook_url`"),
    "a setting's old name": ("docs/runbook.md", "`alarm_emails`", "`most_failures`"),
    "a command that was removed": ("docs/operating.md", "`sluice sweep`", "`sluice mend`"),
    "an option that was removed": (
        "docs/releases.md",
        "versions --stage prod --prune",
        "versions --stage prod --clean",
    ),
    "an alarm that was renamed": ("docs/runbook.md", "`many-failures`", "`too-many-failures`"),
    "an anchor that is not there": ("docs/runbook.md", "operating.md#failures", "operating.md#failing"),
    "an anchor in the page itself": ("docs/deploying.md", "(#every-pair-of-settings)", "(#every-pair)"),
    "a page that is not there": ("README.md", "(docs/console.md)", "(docs/consoles.md)"),
    "a test file that is not there": ("docs/regions.md", "tests/infra/test_regions.py", "tests/infra/test_roles.py"),
    "a file that is not there": ("CONTRIBUTING.md", "`handler.py`", "`handlers.py`"),
    "a test that is not there": ("docs/guarantees.md", "`test_place_is_kept_nowhere`", "`test_place_is_hidden`"),
    "an error that is not there": ("docs/runbook.md", "ResultNotProven", "ResultNotProved"),
    "a metric that is not there": ("docs/operating.md", "*OldestUnprocessedSeconds*", "*OldestForgottenSeconds*"),
    "an event that is not there": ("docs/api.md", "`ObjectCreated`", "`ObjectAppeared`"),
    "a module that is not there": ("docs/cost.md", "python -m tests.bench.measure_cost", "python -m tests.bench.dear"),
    "a task that is not there": ("CONTRIBUTING.md", "`poe docs` writes the tables", "`poe tables` writes the tables"),
    "a variable that is not there": ("README.md", "SLUICE_INGEST_BUCKET", "SLUICE_INPUT_BUCKET"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_name_is_found(mutation: str) -> None:
    page, right, wrong = MUTATIONS[mutation]
    assert right in PAGES[page]
    assert list(unknown(page, PAGES[page].replace(right, wrong))) != []


def test_messages_name_pages_and_headings_that_are_there() -> None:
    named = set(re.findall(r"docs/([\w-]+\.md)#([\w-]+)", code()))
    assert named
    assert {(page, anchor) for page, anchor in named if anchor not in anchors(PAGES[f"docs/{page}"])} == set()


def test_stages_that_are_shown_can_be_deployed() -> None:
    shown = [block for text in CURRENT.values() for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    stages = [
        table
        for block in shown
        for table in tomllib.loads(block).items()
        if isinstance(table[1], dict) and set(table[1]) & SETTINGS
    ]
    assert stages
    assert [make(name, table).stage for name, table in stages] == [name for name, _ in stages]


# what exists is named where it belongs


def unnamed(page: str, names: set[str]) -> set[str]:
    return {each for each in names if not re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", PAGES[page])}


def test_every_command_is_documented() -> None:
    text = "".join(CURRENT.values())
    assert {name for name in COMMANDS if f"sluice {name}" not in text} == set()


def test_every_error_is_in_the_guide() -> None:
    assert unnamed("docs/operating.md", {name for each in explanations() for name in each.names}) == set()


def test_every_metric_is_in_the_runbook() -> None:
    counted = re.findall(r"\b(?:count|add_metric)\(\"([A-Z]\w+)\"", code(tests=False))
    alerting = [each.alert.metric for each in explanations() if each.alert]
    assert unnamed("docs/runbook.md", {*counted, *alerting, *METRICS.values()}) == set()


def test_every_variable_that_a_person_may_set_is_in_the_guide() -> None:
    read = set(re.findall(r"\"(SLUICE_[A-Z_]+)\"", code(tests=False)))
    assert unnamed("docs/operating.md", read - OF_PROCESSES) == set()


def test_every_marker_is_in_contributing() -> None:
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    assert unnamed("CONTRIBUTING.md", {each.partition(":")[0] for each in markers}) == set()


def test_every_task_is_in_contributing() -> None:
    assert {each for each in tasks() if f"poe {each}" not in PAGES["CONTRIBUTING.md"]} == set()


@pytest.mark.parametrize("file", [".ci/run", ".pre-commit-config.yaml", ".github/workflows/newest.yml"])
def test_what_runs_by_itself_runs_tasks_that_exist(file: str) -> None:
    run = set(re.findall(r"(?:run|--no-sync) poe (\w+)", (ROOT / file).read_text()))
    assert run
    assert run <= tasks()


def test_the_changelog_begins_with_the_version_that_is_being_made() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## (\S+?),? ", PAGES[HISTORY], re.MULTILINE)[0] == version
