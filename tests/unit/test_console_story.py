"""How the console tells an execution: its graph, its attempts and where the time went."""

import json
from datetime import datetime, timedelta

from tests.unit.test_history import (
    START,
    STARTED,
    SUCCEEDED,
    SUCCEEDED_TASK,
    attempt,
    entered,
    event,
    exited,
    failed,
    failed_task,
    numbered,
)
from workflow.ingest import ingest
from workflow.operator.console.events import exported, marked, rows
from workflow.operator.console.graph import flowchart, names
from workflow.operator.console.story import explained, summaries, visits
from workflow.operator.console.timeline import bars

DEFINITION = json.loads(ingest().to_json())
RETRIED = [
    STARTED,
    *(entered("Validate"), *attempt(SUCCEEDED_TASK), exited("Validate")),
    *(entered("Transform"), *attempt(failed_task("TransientError")), *attempt(failed_task("KeyError"))),
    failed("KeyError"),
]


def test_attempts_are_told_one_by_one_with_their_errors():
    transform = visits(numbered(*RETRIED))[1]
    assert [(each.outcome, each.error, each.message) for each in transform.attempts] == [
        ("failed", "TransientError", "TransientError it was"),
        ("failed", "KeyError", "KeyError it was"),
    ]


def test_what_a_state_got_and_made_is_told():
    got = event("TaskStateEntered", "stateEnteredEventDetails", name="Validate", input='{"key": "a.jpg"}')
    made = event("TaskStateExited", "stateExitedEventDetails", name="Validate", output='{"asset": 1}')
    [validate] = visits(numbered(STARTED, got, *attempt(SUCCEEDED_TASK), made, SUCCEEDED))
    assert (validate.data_in, validate.data_out) == ({"key": "a.jpg"}, {"asset": 1})


def test_the_cause_of_a_function_is_a_sentence_and_its_stack():
    cause = json.dumps(
        {
            "errorMessage": "no such table",
            "errorType": "X",
            "stackTrace": ['  File "handler.py", line 3\n', "    run()"],
        }
    )
    assert explained(cause) == ("no such table", '  File "handler.py", line 3\n    run()\n')


def test_a_cause_that_no_function_wrote_is_shown_as_it_is():
    assert explained("The state ran into its timeout.") == ("The state ran into its timeout.", "")
    assert explained('["not", "an error"]') == ('["not", "an error"]', "")


def test_the_graph_marks_each_state_by_sign_words_and_look():
    drawn = flowchart(DEFINITION, summaries(visits(numbered(*RETRIED))))
    assert 'Validate("✔ Validate<br/>4.0 s"):::succeeded' in drawn
    assert 'Transform("✘ Transform<br/>7.0 s · retried 1×"):::failed' in drawn
    assert 'Thumbnail("Thumbnail"):::waiting' in drawn
    assert "Validate ==> Transform" in drawn
    assert "Transform --> Thumbnail" in drawn


def test_a_rejection_is_drawn_along_the_way_that_it_took():
    caught = (entered("Validate"), *attempt(failed_task("EmptyFile")), exited("Validate"))
    aside = (entered("Quarantine"), *attempt(SUCCEEDED_TASK), exited("Quarantine"))
    told = visits(numbered(STARTED, *caught, *aside, entered("Rejected", "Fail"), failed("EmptyFile")))
    drawn = flowchart(DEFINITION, summaries(told))
    assert "↷ Validate<br/>caught · 4.0 s" in drawn
    assert 'Validate ==>|"26 reject codes"| Quarantine' in drawn
    assert 'Validate -.->|"DuplicateEvent"| Duplicate' in drawn
    assert 'Rejected(["✘ Rejected<br/>1.0 s"]):::failed' in drawn


def test_without_errors_the_graph_is_the_way_that_is_meant():
    drawn = flowchart(DEFINITION, {}, with_errors=False)
    assert "-.->" not in drawn
    assert not {"Quarantine", "Rejected", "SplitVideo", "Duplicate"} & {*drawn.replace("(", " ").split()}
    assert [name for name in names(DEFINITION) if f"{name}(" in drawn or f"{name}([" in drawn][:3] == [
        "Validate",
        "Transform",
        "Thumbnail",
    ]


def test_an_error_that_was_taken_is_drawn_all_the_same():
    caught = (entered("Validate"), *attempt(failed_task("EmptyFile")), exited("Validate"))
    told = visits(numbered(STARTED, *caught, entered("Quarantine")))
    drawn = flowchart(DEFINITION, summaries(told), with_errors=False)
    assert 'Validate ==>|"26 reject codes"| Quarantine' in drawn
    assert "DuplicateEvent" not in drawn


def test_events_are_listed_with_their_state_and_what_they_say():
    told = list(numbered(STARTED, entered("Validate"), *attempt(failed_task("EmptyFile")), exited("Validate")))
    found = rows(told)
    assert [each.number for each in found] == [event["id"] for event in told]
    assert (found[0].state, found[0].seconds) == ("", 0.0)
    assert {each.state for each in found[1:]} == {"Validate"}
    assert any("error EmptyFile" in each.said for each in found)
    assert not any("input" in each.said for each in found)


def test_what_is_exported_is_json_with_all_events():
    told = list(numbered(STARTED, entered("Validate")))
    document = json.loads(exported({"name": "e1"}, told, DEFINITION))
    assert document["definition"] == DEFINITION
    assert [event["id"] for event in document["events"]] == [event["id"] for event in told]
    assert datetime.fromisoformat(document["events"][0]["timestamp"]) == told[0]["timestamp"]


def test_the_definition_is_cut_at_the_state_and_whole():
    before, state, behind = marked(DEFINITION, "ConvertPart")
    assert json.loads(before + state + behind) == DEFINITION
    assert state.strip().startswith('"ConvertPart": {')
    assert "ConvertPart" not in before.rpartition('"States"')[2]
    assert marked(DEFINITION, None)[1:] == ("", "")


def test_states_within_a_map_stand_in_its_frame():
    drawn = flowchart(DEFINITION, {})
    frame = drawn[drawn.index("subgraph ConvertVideo") : drawn.index("  end\n")]
    assert "ConvertPart" in frame
    assert names(DEFINITION).index("ConvertPart") == names(DEFINITION).index("ConvertVideo") + 1


def test_the_timeline_tells_waiting_from_working_and_pauses_before_retries():
    pause = event("TaskScheduled", "taskScheduledEventDetails")
    told = visits(
        numbered(
            STARTED, entered("Notify"), *attempt(failed_task("TransientError")), pause, *attempt(SUCCEEDED_TASK)[1:]
        )
    )
    found = bars(told, START, START + timedelta(seconds=60))
    assert [(bar.kind, bar.start, bar.end, bar.attempt) for bar in found] == [
        ("waiting", 3.0, 4.0, 1),
        ("failed", 4.0, 5.0, 1),
        ("pausing", 5.0, 6.0, 2),
        ("waiting", 6.0, 7.0, 2),
        ("working", 7.0, 8.0, 2),
    ]


def test_what_is_at_work_reaches_to_now():
    found = bars(visits(numbered(STARTED, entered("Notify"), *attempt())), START, START + timedelta(seconds=60))
    assert found[-1].kind == "working"
    assert found[-1].end == 60.0
