"""AWS::CloudWatch::Alarm on a formula, and AWS::Logs::QueryDefinition, which the emulator refuses in templates.

Such an alarm is kept and described, and never judged: it stays in INSUFFICIENT_DATA unless it is set. Of a saved query
only its stack knows, as the emulator has no API for them.
"""

from collections.abc import Callable
from typing import Any

from infra.local.ministack import provisioners, responses
from infra.local.patches.cloudformation.provisioning import Properties

QUERY = "AWS::Logs::QueryDefinition"
FORMULA = ("Metrics", "ThresholdMetricId")
STAND_INS = {"MetricName": "formula", "Namespace": "formula", "Threshold": 0}
"""What stock asks for, and a formula does not have; a threshold it may have."""

Record = Callable[[str, Properties], dict[str, Any]]
Saved = tuple[str, dict[str, str]]


def install() -> None:
    provisioners._cw_metric_alarm_record = or_formula(provisioners._cw_metric_alarm_record)
    provisioners._RESOURCE_HANDLERS[QUERY] = {"create": save_query, "update": keep_query, "delete": forget_query}


def or_formula(record: Record) -> Record:
    def record_either(name: str, properties: Properties) -> dict[str, Any]:
        if not properties.get("Metrics"):
            return record(name, properties)
        plain = {key: value for key, value in properties.items() if key not in FORMULA}
        made = record(name, STAND_INS | plain)
        formula = {key: properties[key] for key in FORMULA if key in properties}
        return {key: value for key, value in made.items() if key not in {"MetricName", "Namespace"}} | formula

    return record_either


def save_query(_logical_id: str, _properties: Properties, _stack: str) -> Saved:
    identifier = responses.new_uuid()
    return identifier, {"QueryDefinitionId": identifier}


def keep_query(identifier: str, _old: Properties, _new: Properties, _stack: str) -> Saved:
    return identifier, {"QueryDefinitionId": identifier}


def forget_query(_identifier: str, _properties: Properties) -> None:
    """Nothing was kept."""
