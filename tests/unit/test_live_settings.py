"""Settings that operators change live: what the functions make of the document, and what `sluice settings` writes."""

import json
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tasks.shared.live_settings import LiveParameter, LiveSettings
from tests.unit.cloud import LIVE_SETTINGS, REGION, Cloud
from workflow.errors import TransientError
from workflow.operator.operations.live_settings import Change, WrongSettingError, change, planned, written


@pytest.fixture
def ssm(cloud: Cloud) -> Any:
    return cloud.ssm


def write(ssm: Any, text: str) -> None:
    ssm.put_parameter(Name=LIVE_SETTINGS, Value=text, Type="String", Overwrite=True)


@pytest.fixture
def live(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> LiveParameter:
    """Read anew each time."""
    monkeypatch.setenv("POWERTOOLS_PARAMETERS_MAX_AGE", "0")
    return LiveParameter(ssm, LIVE_SETTINGS)


def test_document_without_anything_changes_nothing(live):
    assert live.now() == LiveSettings()
    assert live.now().max_bytes == {}


def test_change_is_seen_and_what_is_not_understood_is_told_while_the_last_settings_hold(live, ssm, log):
    write(ssm, '{"max_bytes": {"image": 1000}}')
    assert live.now().max_bytes == {"image": 1000}
    write(ssm, '{"max_bytes": {"image": "much"}}')
    assert live.now().max_bytes == {"image": 1000}
    assert "Expected `int`, got `str` - at `$.max_bytes[...]`" in log.getvalue()


@pytest.mark.parametrize(
    "wrong", ["", "[]", '{"unknown": 1}', '{"refused_kinds": ["pictures"]}', '{"sweep_older_than_minutes": 1}']
)
def test_first_document_that_is_not_understood_leaves_what_was_deployed(live, ssm, log, wrong):
    write(ssm, wrong or "-")
    assert live.now() == LiveSettings()
    assert "live settings not understood" in log.getvalue()


def test_parameter_store_is_not_asked_again_for_what_is_young_enough(cloud, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_PARAMETERS_MAX_AGE", "60")
    with Stubber(client := boto3.client("ssm", REGION)) as answers:
        parameter = {"Parameter": {"Name": LIVE_SETTINGS, "Value": '{"refused_kinds": ["video"]}', "Type": "String"}}
        answers.add_response("get_parameter", parameter)
        live = LiveParameter(client, LIVE_SETTINGS)
        assert live.now() == live.now() == LiveSettings(refused_kinds=frozenset({"video"}))


def test_parameter_store_that_never_answered_is_asked_again_by_the_state_machine(live, ssm):
    ssm.delete_parameter(Name=LIVE_SETTINGS)
    with pytest.raises(TransientError, match="Parameter Store did not tell /sluice/test/settings"):
        live.now()


def test_parameter_store_that_stopped_answering_leaves_what_it_told_last(live, ssm):
    write(ssm, '{"refused_kinds": ["video"]}')
    live.now()
    ssm.delete_parameter(Name=LIVE_SETTINGS)
    assert live.now().refused_kinds == {"video"}


# what the functions do with it


def test_validate_refuses_what_operators_refuse_and_what_is_larger_than_they_want(machine, cloud, functions, live, ssm):
    functions["validate"].live = live
    for said, code, named in (
        ({"refused_kinds": ["table"]}, "UnsupportedType", "the live setting refused_kinds turns tables away"),
        ({"max_bytes": {"table": 5}}, "TooLarge", "12 bytes; 5 bytes is what the live setting max_bytes.table allows"),
    ):
        write(ssm, json.dumps(said))
        at = cloud.upload(f"{code}.csv", b"a,b\n1,2\n3,4\n")
        execution = machine.run({"bucket": at.bucket, "key": at.key})
        assert execution.error == code
        assert named in execution.cause
    write(ssm, "{}")
    at = cloud.upload("good.csv", b"a,b\n1,2\n")
    assert machine.run({"bucket": at.bucket, "key": at.key}).error is None


def test_sweeper_waits_for_as_long_as_operators_say(functions: dict[str, ModuleType], live, ssm):
    sweep: Any = functions["sweep"]
    sweep.live = live
    assert sweep.minutes(sweep.Wanted()) == 15
    write(ssm, '{"sweep_older_than_minutes": 240}')
    assert sweep.minutes(sweep.Wanted()) == 240
    assert sweep.minutes(sweep.Wanted(older_than_minutes=0)) == 0


# the command


def test_changes_are_written_together_and_taken_back_one_by_one(sluice):
    change(sluice, ["refused_kinds=video,audio", "max_bytes.image=1.5MiB", "max_bytes.table=1000"])
    assert written(sluice).document == {
        "refused_kinds": ["audio", "video"],
        "max_bytes": {"image": 1572864, "table": 1000},
    }
    change(sluice, ["refused_kinds=", "max_bytes.table="])
    assert written(sluice).document == {"max_bytes": {"image": 1572864}}


def test_changes_are_told_before_they_are_made_and_those_that_change_nothing_are_not(sluice):
    change(sluice, ["max_bytes.image=100MiB", "sweep_older_than_minutes=60"])
    wanted = ["refused_kinds=video,audio", "max_bytes.image=1000", "sweep_older_than_minutes=", "max_bytes.table="]
    assert planned(written(sluice), wanted) == [
        Change("max_bytes.image", "100MiB", "1000"),
        Change("sweep_older_than_minutes", "60", "as deployed"),
        Change("refused_kinds", "as deployed", "audio,video"),
    ]
    assert written(sluice).document == {"max_bytes": {"image": 104857600}, "sweep_older_than_minutes": 60}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("refused_kinds=pictures", "pictures"),
        ("max_bytes.image=300MiB", "lowered from 209,715,200, not raised"),
        ("max_bytes.image=much", "cannot be 'much'"),
        ("max_bytes=5", "NAME=VALUE"),
        ("rendition_formats=jpeg", "NAME=VALUE"),
        ("refused_kinds", "NAME=VALUE"),
        ("sweep_older_than_minutes=1", ">= 5"),
    ],
)
def test_change_that_makes_no_sense_is_refused_and_writes_nothing(sluice, wrong, said):
    with pytest.raises(WrongSettingError, match=said):
        change(sluice, ["max_bytes.table=1000", wrong])
    assert written(sluice).version == 1


def test_parameter_that_somebody_broke_is_told_with_what_mends_it(sluice):
    write(sluice.aws.ssm, "oops")
    with pytest.raises(WrongSettingError, match="put-parameter"):
        change(sluice, ["refused_kinds=video"])
