"""JSONPath selects what AWS selects, and a path that finds nothing fails the state."""

from typing import Any

import pytest

from infra.local.engine.errors import StateError
from infra.local.engine.paths import fill_template, put_result, select
from tests.integration.patches.stepfunctions_probe import machine, start

FILES = {"files": [{"key": "a", "size": 1}, {"key": "b", "size": 20}, {"key": "c", "size": 30}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", FILES),
        ("$.files[0].key", "a"),
        ("$['files'][1]['key']", "b"),
        ("$.files[-1].key", "c"),
        ("$.files[*].key", ["a", "b", "c"]),
        ("$.files[0:2].key", ["a", "b"]),
        ("$.files[?(@.size > 10)].key", ["b", "c"]),
        ("$.files[?(@.size > 10 && @.key == 'c')].size", [30]),
        ("$.files[?(@.size > 99)]", []),
        ("$..size", [1, 20, 30]),
        ("$.files[0].*", ["a", 1]),
    ],
)
def test_a_path_selects(path: str, found: Any) -> None:
    assert select(path, FILES) == found


@pytest.mark.parametrize("path", ["$.none", "$.files.key", "$.files[3]", "$.files[0].key[0]", "$.files[-4]", "$.[?("])
def test_a_path_that_finds_nothing_is_a_runtime_error(path: str) -> None:
    with pytest.raises(StateError) as caught:
        select(path, FILES)
    assert caught.value.error == "States.Runtime"


def test_names_with_signs_and_letters_of_any_language_are_found() -> None:
    assert select("$.detail-type", {"detail-type": 1}) == 1
    assert select("$.größe", {"größe": 2}) == 2
    assert select("$['a.b']", {"a.b": None}) is None


def test_templates_are_filled_at_every_depth() -> None:
    template = {"list": [{"key.$": "$.files[0].key"}, [{"name.$": "$$.State.Name"}]], "kept": "$.files"}
    filled = fill_template(template, FILES, {"State": {"Name": "Here"}})
    assert filled == {"list": [{"key": "a"}, [{"name": "Here"}]], "kept": "$.files"}


@pytest.mark.parametrize(
    ("path", "original", "combined"),
    [
        ("$", {"a": 1}, "new"),
        (None, {"a": 1}, {"a": 1}),
        ("$.b.c", {"a": 1}, {"a": 1, "b": {"c": "new"}}),
        ("$.a", {"a": {"old": 1}}, {"a": "new"}),
        ("$['a-b']", {}, {"a-b": "new"}),
        ("$.list[0]", {"list": [1, 2]}, {"list": ["new", 2]}),
    ],
)
def test_a_result_is_put_where_the_path_says(path: str | None, original: Any, combined: Any) -> None:
    assert put_result(path, original, "new") == combined


@pytest.mark.parametrize(("path", "original"), [("$.a.b", {"a": "text"}), ("$.a", "text"), ("$.list[5]", {"list": []})])
def test_a_result_that_does_not_fit_is_a_match_failure(path: str, original: Any) -> None:
    with pytest.raises(StateError) as caught:
        put_result(path, original, "new")
    assert caught.value.error == "States.ResultPathMatchFailure"


@pytest.mark.parametrize(
    "fields",
    [
        {"Parameters": {"a.$": "$.none"}},
        {"Parameters": {"a.$": "States.Format('{}', $.none)"}},
        {"Parameters": {"a.$": "$$.Execution.None"}},
        {"InputPath": "$.none"},
        {"OutputPath": "$.none"},
    ],
    ids=str,
)
def test_a_state_fails_where_a_path_finds_nothing(stock: Any, patched: Any, fields: dict[str, Any]) -> None:
    definition = machine(("Only", {"Type": "Pass", **fields}))
    assert start(stock, definition).ended()["status"] == "SUCCEEDED"
    assert start(patched, definition).failure() == ("FAILED", "States.Runtime")


def test_the_cause_is_worded_as_on_aws(patched: Any) -> None:
    described = start(patched, machine(("Only", {"Type": "Pass", "Parameters": {"a.$": "$.none"}})), {"b": 1}).ended()
    assert described["cause"] == (
        "An error occurred while executing the state 'Only' (entered at the event id #2). "
        "The JSONPath '$.none' specified for the field 'a.$' could not be found in the input '{\"b\":1}'"
    )


def test_a_long_cause_is_cut(patched: Any) -> None:
    definition = machine(("Only", {"Type": "Pass", "Parameters": {"a.$": "$.none"}}))
    assert len(start(patched, definition, {"b": "x" * 100_000}).ended()["cause"]) == 32_768


def test_filters_work_in_a_running_state(stock: Any, patched: Any) -> None:
    definition = machine(("Only", {"Type": "Pass", "Parameters": {"large.$": "$.files[?(@.size > 10)].key"}}))
    assert start(stock, definition, FILES).output() == {"large": None}
    assert start(patched, definition, FILES).output() == {"large": ["b", "c"]}


def test_a_result_path_that_does_not_fit_can_be_caught(stock: Any, patched: Any) -> None:
    catch = [{"ErrorEquals": ["States.ResultPathMatchFailure"], "ResultPath": None, "Next": "Caught"}]
    branch = machine(("In", {"Type": "Pass"}))
    parallel = {"Type": "Parallel", "Branches": [branch], "ResultPath": "$.a.b", "Catch": catch, "End": True}
    definition = machine(("Both", parallel), ("Caught", {"Type": "Pass", "Result": "caught", "End": True}))
    assert start(stock, definition, {"a": "text"}).output() == {"a": {"b": [{"a": "text"}]}}
    assert start(patched, definition, {"a": "text"}).output() == "caught"


def test_an_intrinsic_with_wrong_arguments_can_be_caught(stock: Any, patched: Any) -> None:
    catch = [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "Caught"}]
    parallel = {
        "Type": "Parallel",
        "Branches": [machine(("In", {"Type": "Pass"}))],
        "Parameters": {"a.$": "States.StringToJson('{')"},
        "Catch": catch,
        "End": True,
    }
    definition = machine(("Both", parallel), ("Caught", {"Type": "Pass", "Result": "caught", "End": True}))
    assert start(stock, definition).failure() == ("FAILED", "States.Runtime")
    assert start(patched, definition).output() == "caught"


def test_choices_tell_a_null_from_an_absent_field(stock: Any, patched: Any) -> None:
    choices = [{"Variable": "$.a", "IsPresent": True, "Next": "Yes"}]
    definition = machine(
        ("Pick", {"Type": "Choice", "Choices": choices, "Default": "No"}),
        ("Yes", {"Type": "Pass", "Result": "present", "End": True}),
        ("No", {"Type": "Pass", "Result": "absent", "End": True}),
    )
    assert start(stock, definition, {"a": None}).output() == "absent"
    assert start(patched, definition, {"a": None}).output() == "present"
    assert start(patched, definition, {}).output() == "absent"
