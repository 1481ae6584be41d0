"""Dashboard, alarms, queries and budget: each alarm has a heading in the runbook that says what to do, and no other."""

import json
import re
from typing import Any

import pytest

from infra.functions.sources import PROJECT_ROOT
from infra.observability.queries import QUERIES
from tests.infra.conftest import Stage, Template, statements
from tests.infra.variants import assert_refused
from workflow import prices
from workflow.limits import FUNCTIONS

RUNBOOK = (PROJECT_ROOT / "docs" / "runbook.md").read_text()
SECONDS_EACH, CALLS, FILES = 2, 30, 10


def alarms(pipeline: Template) -> dict[str, dict[str, Any]]:
    """Properties by logical id."""
    return {name: found["Properties"] for name, found in pipeline.of_type("CloudWatch::Alarm").items()}


def the_topic(pipeline: Template) -> str:
    (topic,) = (name for name in pipeline.of_type("SNS::Topic") if name.startswith("ObservabilityAlarms"))
    return topic


def written_out(value: Any) -> str:
    """A Fn::Join with the logical ids of what it refers to."""
    parts = value["Fn::Join"][1] if isinstance(value, dict) else [value]
    return "".join(part if isinstance(part, str) else part.get("Ref") or part["Fn::GetAtt"][0] for part in parts)


def widgets(pipeline: Template) -> list[dict[str, Any]]:
    body = json.loads(written_out(pipeline.only("CloudWatch::Dashboard")["DashboardBody"]))
    return [widget["properties"] for widget in body["widgets"]]


def titled(pipeline: Template, title: str) -> dict[str, Any]:
    (found,) = (widget for widget in widgets(pipeline) if widget.get("title", "").startswith(title))
    return found


# alarms


def test_every_alarm_has_its_heading_in_the_runbook_and_every_heading_its_alarm(stages: dict[str, Stage]) -> None:
    described = [each["AlarmDescription"] for stage in stages.values() for each in alarms(stage.pipeline).values()]
    linked = {text.partition("docs/runbook.md#")[2] for text in described}
    budget = stages["unusual"].pipeline.only("Budgets::Budget")["Budget"]["BudgetName"]
    headings = re.findall(r"^### (\S+)$", RUNBOOK, re.MULTILINE)
    assert sorted(headings) == sorted(linked | {budget.removeprefix("sluice-unusual-")})


def test_every_alarm_tells_the_one_topic_and_is_named_after_its_stage(stage: Stage) -> None:
    for alarm in alarms(stage.pipeline).values():
        assert alarm["AlarmActions"] == [{"Ref": the_topic(stage.pipeline)}]
        assert alarm["AlarmName"].startswith(f"sluice-{stage.name}-")


def test_what_is_not_measured_rings_no_alarm(pipeline: Template) -> None:
    assert {alarm["TreatMissingData"] for alarm in alarms(pipeline).values()} == {"notBreaching"}


def test_every_queue_that_nothing_reads_has_an_alarm_on_its_first_message(pipeline: Template) -> None:
    dead_letters = set(pipeline.of_type("SQS::Queue")) - set(event_sources(pipeline))
    watched = {
        queue: alarm["Threshold"]
        for alarm in alarms(pipeline).values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for queue in (alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0],)
    }
    assert watched == dict.fromkeys(dead_letters, 0)


def event_sources(pipeline: Template) -> list[str]:
    """Logical ids of what functions read in this stack; the table's stream is in the other."""
    arns = (found["Properties"]["EventSourceArn"] for found in pipeline.of_type("Lambda::EventSourceMapping").values())
    return [arn["Fn::GetAtt"][0] for arn in arns if "Fn::GetAtt" in arn]


def test_what_functions_count_is_watched_for_this_stage_alone(stage: Stage) -> None:
    service = {f["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for f in functions(stage)}
    counted = [alarm for alarm in alarms(stage.pipeline).values() if alarm.get("Namespace") == "Sluice"]
    assert {alarm["MetricName"] for alarm in counted} == {
        "UnprocessedUploads",
        "SweeperErrors",
        "OldestUnprocessedSeconds",
        "ResultsNotProven",
    }
    assert {alarm["Dimensions"][0]["Value"] for alarm in counted} == service == {f"sluice-{stage.name}"}


def functions(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.pipeline.of_type("Lambda::Function").values())


def test_throttles_ring_only_when_they_last(pipeline: Template) -> None:
    throttled = pipeline.only("CloudWatch::Alarm", "ObservabilityAllthrottled")
    assert throttled["Period"] * throttled["EvaluationPeriods"] == 1800
    counted = pipeline.only("Logs::MetricFilter", "ObservabilityAttemptsThrottled")
    assert '$.details.error = "Lambda.TooManyRequestsException"' in counted["FilterPattern"]
    assert '$.type = "TaskFailed"' in counted["FilterPattern"], "else an execution that fails by it counts twice"


def test_durations_are_compared_with_what_is_usual(pipeline: Template) -> None:
    slow = [alarm for alarm in alarms(pipeline).values() if "ThresholdMetricId" in alarm]
    assert len(slow) == sum(name.startswith("transform_") for name in FUNCTIONS)
    for alarm in slow:
        (band,) = (each for each in alarm["Metrics"] if each["Id"] == alarm["ThresholdMetricId"])
        assert band["Expression"].startswith("ANOMALY_DETECTION_BAND(")
        assert alarm["ComparisonOperator"] == "GreaterThanUpperThreshold"


# topic and budget


def test_only_cloudwatch_and_budgets_of_this_account_publish_to_the_topic_and_use_its_key(
    stages: dict[str, Stage],
) -> None:
    def services(document: dict[str, Any]) -> dict[str, Any]:
        allowed = [s for s in statements(document) if s["Effect"] == "Allow" and "Service" in s["Principal"]]
        ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        assert [s for s in allowed if s["Condition"] != ours] == []
        return {action: s["Principal"]["Service"] for s in allowed for action in s["Action"]}

    both = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    for name, publishers in {"dev": both[1], "unusual": both}.items():
        pipeline = stages[name].pipeline
        key = pipeline.only("KMS::Key", "ObservabilityAlarms")["KeyPolicy"]
        topic = pipeline.only("SNS::TopicPolicy", "ObservabilityAlarms")["PolicyDocument"]
        assert services(key) == {"kms:Decrypt": publishers, "kms:GenerateDataKey*": publishers}
        assert services(topic) == {"sns:Publish": publishers}


def test_people_are_told_by_mail_and_before_the_money_is_spent(stages: dict[str, Stage]) -> None:
    pipeline = stages["unusual"].pipeline
    mails = [s["Properties"] for s in pipeline.of_type("SNS::Subscription").values()]
    (mail,) = (each for each in mails if each["Protocol"] == "email")
    assert (mail["Endpoint"], mail["TopicArn"]["Ref"]) == ("on-call@example.com", the_topic(pipeline))
    budget = pipeline.only("Budgets::Budget")
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:stage$unusual"]}
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    told = [each["Notification"] for each in budget["NotificationsWithSubscribers"]]
    assert [(each["NotificationType"], each["Threshold"]) for each in told] == [("ACTUAL", 80), ("FORECASTED", 100)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"alarm_emails": ["nobody"]}, "alarm_emails"), ({"monthly_budget_dollars": -1}, "monthly_budget_dollars")],
)
def test_settings_that_would_tell_nobody_are_refused(wrong: dict[str, Any], said: str) -> None:
    assert_refused(said, observability=wrong)


# dashboard


def test_every_function_has_its_durations(pipeline: Template) -> None:
    names = {f["Properties"]["FunctionName"].split("-", 2)[2] for f in pipeline.of_type("Lambda::Function").values()}
    for name in names:
        lines = titled(pipeline, f"{name.replace('-', '_')}, ms")["metrics"]
        assert [line[-1]["label"] for line in lines] == ["p50", "p95", "p99"]


def test_alarms_stand_on_top(pipeline: Template) -> None:
    shown = titled(pipeline, "Alarms")["alarms"]
    assert set(shown) == set(alarms(pipeline))


def test_cost_of_a_thousand_files_agrees_with_the_sum_by_hand(pipeline: Template) -> None:
    rows = titled(pipeline, "Cost")["metrics"]
    total = next(row[0]["expression"] for row in rows if "id" not in row[-1])
    by_hand = sum(FUNCTIONS[name].memory_mb / 1024 * SECONDS_EACH * prices.LAMBDA_GB_SECOND for name in made(pipeline))
    steps = sum(row[1] == "Invocations" for row in rows if len(row) > 1)
    by_hand += steps * CALLS * (prices.STATE_TRANSITION + prices.LAMBDA_REQUEST)
    assert calculated(total, rows) == pytest.approx(1000 * by_hand / (2 * FILES), rel=1e-4)
    assert steps == len(named_by_the_definition(pipeline))


def made(pipeline: Template) -> list[str]:
    found = (f["Properties"]["FunctionName"] for f in pipeline.of_type("Lambda::Function").values())
    return [name.split("-", 2)[2].replace("-", "_") for name in found]


def named_by_the_definition(pipeline: Template) -> set[str]:
    return set(pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionSubstitutions"]) - {
        "conversion_role",
        "partition",
    }


def calculated(expression: str, rows: list[list[Any]]) -> float:
    """A formula of the dashboard, worked out as CloudWatch does."""
    values = {"Duration": SECONDS_EACH * 1000, "Invocations": CALLS, "AssetsSucceeded": FILES, "AssetsRejected": FILES}
    by_id = {row[-1]["id"]: row for row in rows if "id" in row[-1]}

    def value(match: re.Match[str]) -> str:
        row = by_id[match[0]]
        return str(calculated(row[0]["expression"], rows) if len(row) == 1 else values[row[1]])

    return eval(re.sub(r"\b[a-z]\w*\b", value, expression).replace("SUM", "sum"))  # noqa: S307 - our own formula


# saved queries


def test_every_query_is_saved_for_the_logs_of_all_functions(stage: Stage) -> None:
    saved = [found["Properties"] for found in stage.pipeline.of_type("Logs::QueryDefinition").values()]
    assert {query["Name"] for query in saved} == {f"sluice/{stage.name}/{name}" for name in QUERIES}
    groups = {
        name
        for name in stage.pipeline.of_type("Logs::LogGroup")
        if not name.startswith(("Ingest", "Reprocess", "HttpApi"))
    }
    for query in saved:
        assert {group["Ref"] for group in query["LogGroupNames"]} == groups
