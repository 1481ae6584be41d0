"""What must hold of the reprocess state machine, whatever it is changed to."""

import json
import re
from typing import Any

from statelint.linter import Linter

from workflow.limits import functions_of
from workflow.reprocess import reprocess
from workflow.shapes import ExecutionInput, parse

UNKNOWN_TO_THE_LINTER = re.compile(r'Field "(Label|InputType)" not allowed')
"""Both are in the Developer Guide: "Using Map state in Distributed mode", "ItemReader"."""

DEFINITION: dict[str, Any] = json.loads(reprocess().to_json())
EACH: dict[str, Any] = DEFINITION["States"]["ReprocessEach"]
STARTING: dict[str, dict[str, Any]] = EACH["ItemProcessor"]["States"]


def given(parameters: dict[str, Any]) -> dict[str, Any]:
    """The input of the ingest execution, with a value for each path."""
    return {name.removesuffix(".$"): "x" if name.endswith(".$") else value for name, value in parameters.items()}


def test_a_linter_finds_no_problem() -> None:
    found = map(str, Linter.validate(reprocess().to_json()))
    assert [problem for problem in found if not UNKNOWN_TO_THE_LINTER.match(problem)] == []


def test_each_asset_gets_an_execution_of_its_own_history() -> None:
    assert EACH["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert {state["Resource"] for state in STARTING.values()} == {"arn:aws:states:::states:startExecution.sync:2"}
    assert len(EACH["Label"]) <= 40


def test_what_is_started_is_an_ingest_input_that_names_batch_and_person() -> None:
    for state in STARTING.values():
        wanted = parse(given(state["Parameters"]["Input"]), ExecutionInput)
        assert (wanted.trigger, wanted.batch, wanted.by, wanted.why) == ("reprocess", "x", "x", "x")
        assert not wanted.is_delivery


def test_only_the_first_start_has_the_name_that_can_be_used_once() -> None:
    names = {name: state["Parameters"].get("Name.$") for name, state in STARTING.items()}
    assert names == {"StartIngest": "States.Format('{}-{}', $.batch, $.item.asset_id)", "StartAgain": None}


def test_a_name_of_batch_and_asset_fits_into_80_characters() -> None:
    assert len(f"20261123-093000-1f0e-r1000-{'0' * 32}") <= 80


def test_an_ingest_execution_s_output_does_not_travel() -> None:
    assert {json.dumps(state["ResultSelector"]) for state in STARTING.values()} == {'{"execution.$": "$.ExecutionArn"}'}


def test_the_report_is_made_of_a_batch_that_failed_too() -> None:
    (catcher,) = EACH["Catch"]
    assert (EACH["Next"], catcher["Next"]) == ("ReportBatch", "ReportBatch")
    assert catcher["ErrorEquals"] == ["States.ExceedToleratedFailureThreshold"]
    assert (
        DEFINITION["States"]["ReportBatch"]["Parameters"]["FunctionName"] == f"${{{functions_of('report_batch')[0]}}}"
    )


def test_keys_reach_the_executions_as_they_are() -> None:
    """In CSV a backslash would escape what follows: Developer Guide, "How Step Functions parses input CSV files"."""
    assert EACH["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
