"""Who may work on an asset, what its record says, and which version of a key is the current one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from tasks.shared.records import claims as module
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Learnt, Reason, Record, Restore
from tasks.shared.records.table import BATCH_GET_MAX_KEYS, LONGEST_PAUSE_SECONDS, Table
from tests.unit.cloud import TABLE, Cloud, a_record
from workflow.errors import DuplicateEvent
from workflow.limits import DEDUPE_WINDOW_SECONDS, EXECUTION_TIMEOUT_SECONDS
from workflow.shapes import Asset, ExecutionInput, Pointer, Run

RUN = Run(arn="arn:aws:states:x:1:execution:sluice-ingest:first", name="first", started="2026-11-23T10:00:00+00:00")
OTHER = replace(RUN, arn=RUN.arn.replace("first", "second"), name="second", started="2026-11-23T11:00:00+00:00")
ASSET = Asset(
    id="a" * 32,
    bucket="ingest",
    key="photos/cat.jpg",
    version_id="v1",
    size=885,
    etag="e",
    last_modified="2026-11-23T09:59:58+00:00",
    kind="image",
    media_type="image/jpeg",
    source=Pointer(bucket="ingest", key="photos/cat.jpg", version_id="v1"),
)


LEARNT = Learnt(
    kind="image",
    media_type="image/jpeg",
    notes=(),
    sha256="abc",
    recipe="1-webp",
    renditions=(),
    facts={"width": 640},
    technical=Pointer(bucket="output", key="technical"),
    thumbnails=(),
    timings={"validate": 5},
    sidecar=Pointer(bucket="output", key="sidecar"),
    pipeline_version="1",
)
X = Reason(code="X", message="It is X.")
ASKED = Restore(tier="Bulk", days=7, asked_at="2026-11-24T00:00:00+00:00", by="ada", then_reprocess=True)


def untimed(record: Record) -> Record:
    return structs.replace(record, updated_at="")


def by(trigger: str) -> ExecutionInput:
    return ExecutionInput(bucket=ASSET.bucket, key=ASSET.key, trigger=trigger)


@pytest.fixture
def records(cloud: Cloud) -> Records:
    return Records(cloud.dynamodb, TABLE)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """Moves the clock on by seconds."""

    def move(seconds: float) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        monkeypatch.setattr(module, "now", lambda: moment)

    return move


# claims


def nobody(records, later):
    """The asset is free."""


def same_execution(records, later):
    records.claims.take(ASSET.id, RUN, delivery=True)


def other_at_work(records, later):
    records.claims.take(ASSET.id, OTHER, delivery=True)


def other_out_of_time(records, later):
    other_at_work(records, later)
    later(EXECUTION_TIMEOUT_SECONDS + 60)


def other_nearly_out_of_time(records, later):
    other_at_work(records, later)
    later(EXECUTION_TIMEOUT_SECONDS - 60)


def other_done(records, later):
    other_at_work(records, later)
    records.claims.keep(ASSET.id, OTHER)


def other_done_long_ago(records, later):
    other_done(records, later)
    later(DEDUPE_WINDOW_SECONDS + 60)


def other_failed(records, later):
    other_at_work(records, later)
    records.claims.release(ASSET.id, OTHER.name)


def redriven_to_the_end(records, later):
    other_failed(records, later)
    records.claims.keep(ASSET.id, OTHER)


@pytest.mark.parametrize(
    ("holder", "for_delivery", "by_hand"),
    [
        (nobody, True, True),
        (same_execution, True, True),
        (other_at_work, False, False),
        (other_nearly_out_of_time, False, False),
        (other_out_of_time, True, True),
        (other_done, False, True),
        (other_done_long_ago, True, True),
        (other_failed, True, True),
        (redriven_to_the_end, False, True),
    ],
)
@pytest.mark.parametrize("delivery", [True, False])
def test_claim_is_given_to(records, later, holder, for_delivery, by_hand, delivery):
    holder(records, later)
    if for_delivery if delivery else by_hand:
        records.claims.take(ASSET.id, RUN, delivery=delivery)
        assert records.claims.holder(ASSET.id) == RUN.name
    else:
        with pytest.raises(DuplicateEvent, match=r"Execution second (is at work on|has already served) this version"):
            records.claims.take(ASSET.id, RUN, delivery=delivery)
        assert records.claims.holder(ASSET.id) != RUN.name


def test_claim_of_another_is_neither_kept_nor_released(records):
    records.claims.take(ASSET.id, OTHER, delivery=True)
    records.claims.release(ASSET.id, RUN.name)
    records.claims.keep(ASSET.id, RUN)
    assert records.claims.holder(ASSET.id) == OTHER.name


def test_claim_of_finished_work_is_not_released(records):
    records.claims.take(ASSET.id, RUN, delivery=True)
    records.claims.keep(ASSET.id, RUN)
    records.claims.release(ASSET.id, RUN.name)
    with pytest.raises(DuplicateEvent):
        records.claims.take(ASSET.id, OTHER, delivery=True)


def test_finished_work_is_claimed_by_nobody(records):
    records.claims.take(ASSET.id, RUN, delivery=True)
    records.claims.keep(ASSET.id, RUN)
    assert records.claims.holder(ASSET.id) is None


# attempts


def test_beginning_again_in_the_same_execution_changes_nothing(records):
    assert records.assets.begin(ASSET, RUN, by("upload")) == 1
    before = records.assets.get(ASSET.id)
    assert records.assets.begin(ASSET, RUN, by("upload")) == 1
    assert untimed(records.assets.get(ASSET.id)) == untimed(before)


def test_another_execution_is_a_second_attempt_and_keeps_what_was_first_seen(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    created_at = records.assets.get(ASSET.id).created_at
    archived = Pointer(bucket="archive", key="x", version_id="a1")
    assert records.assets.begin(replace(ASSET, source=archived, etag="other"), OTHER, by("manual")) == 2
    record = records.assets.get(ASSET.id)
    assert [(a.number, a.execution, a.trigger) for a in record.attempts] == [
        (1, "first", "upload"),
        (2, "second", "manual"),
    ]
    assert (record.etag, record.created_at, record.execution) == ("e", created_at, "second")
    assert record.original.bucket == "archive"


def test_new_attempt_takes_the_old_reason_back(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.finish(ASSET.id, RUN, "failed", reason=X)
    records.assets.begin(ASSET, OTHER, by("manual"))
    record = records.assets.get(ASSET.id)
    assert record.status == "processing"
    assert record.reason is None


def test_redriven_execution_that_ends_well_takes_its_reason_back(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.finish(ASSET.id, RUN, "failed", reason=X)
    records.assets.finish(ASSET.id, RUN, "succeeded")
    record = records.assets.get(ASSET.id)
    assert record.status == "succeeded"
    assert record.reason is None


def test_only_the_latest_execution_ends_the_record(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.begin(ASSET, OTHER, by("manual"))
    with pytest.raises(DuplicateEvent):
        records.assets.finish(ASSET.id, RUN, "succeeded", original=Pointer(bucket="mine", key="mine"))
    assert records.assets.get(ASSET.id).status == "processing"
    records.assets.finish(ASSET.id, OTHER, "failed")
    outcomes = [attempt.outcome for attempt in records.assets.get(ASSET.id).attempts]
    assert outcomes == [None, "failed"]


def test_update_of_an_overtaken_execution_changes_nothing(records):
    records.assets.begin(ASSET, OTHER, by("upload"))
    before = records.assets.get(ASSET.id)
    with pytest.raises(DuplicateEvent):
        records.assets.succeed(ASSET.id, RUN, LEARNT)
    assert records.assets.get(ASSET.id) == before


def test_update_removes_what_an_earlier_attempt_left(records, cloud):
    records.assets.begin(ASSET, RUN, by("upload"))
    cloud.set_record(ASSET.id, degraded="old", thumbhash="old", reused_from="old", glue_tables=[])
    records.assets.succeed(ASSET.id, RUN, structs.replace(LEARNT, thumbhash="new"))
    record = records.assets.get(ASSET.id)
    assert record.thumbhash == "new"
    assert (record.degraded, record.reused_from, record.glue_tables) == (None, None, None)


def failed_once(records: Records) -> Record:
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.finish(ASSET.id, RUN, "failed", reason=X)
    return records.assets.get(ASSET.id)


@pytest.fixture
def days_later(monkeypatch: pytest.MonkeyPatch):
    """Lets records be written three days from now."""

    def move() -> None:
        moment = datetime.now(UTC) + timedelta(days=3)
        monkeypatch.setattr("tasks.shared.records.assets.now", lambda: moment)

    return move


@pytest.mark.parametrize("reason", [X, Reason(code="Y", message="It is Y.")])
def test_failure_of_a_redrive_that_was_made_in_the_aws_console_is_as_recent_as_it_is(records, days_later, reason):
    """Lists by time, health and the sweeper look for it where it happened, not days before."""
    before = failed_once(records)
    days_later()
    records.assets.finish(ASSET.id, RUN, "failed", reason=reason, redrives=1)
    record = records.assets.get(ASSET.id)
    assert (len(record.attempts), record.reason) == (2, reason)
    assert record.updated_at > before.updated_at
    assert records.assets.by("by_status", "failed", since=record.updated_at) == [record]


def test_end_that_is_told_again_keeps_its_time(records, days_later):
    before = failed_once(records)
    days_later()
    records.assets.finish(ASSET.id, RUN, "failed", reason=X, redrives=0)
    assert records.assets.get(ASSET.id) == before


def test_success_keeps_its_time_when_its_original_is_put_away(records, days_later):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.succeed(ASSET.id, RUN, LEARNT)
    before = records.assets.get(ASSET.id)
    days_later()
    records.assets.finish(ASSET.id, RUN, "succeeded")
    assert records.assets.get(ASSET.id).updated_at == before.updated_at


def test_redrive_opens_the_record_for_who_asked(records):
    failed_once(records)
    assert records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada", why="mended")
    record = records.assets.get(ASSET.id)
    assert record.status == "processing"
    assert record.reason is None
    assert [(a.trigger, a.by, a.why, a.outcome) for a in record.attempts] == [
        ("upload", None, None, "failed"),
        ("redrive", "ada", "mended", None),
    ]


def test_redrive_that_is_refused_leaves_the_record_as_it_was(records):
    before = failed_once(records)
    records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    assert records.assets.close_again(before)
    assert untimed(records.assets.get(ASSET.id)) == untimed(before)


def test_redrive_that_has_ended_is_not_taken_back(records):
    before = failed_once(records)
    records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    records.assets.finish(ASSET.id, RUN, "succeeded")
    assert not records.assets.close_again(before)
    assert records.assets.get(ASSET.id).status == "succeeded"


def test_asset_whose_execution_failed_after_it_had_succeeded_is_opened(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.finish(ASSET.id, RUN, "succeeded")
    assert records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    assert [each.outcome for each in records.assets.get(ASSET.id).attempts] == ["failed", None]


def test_asset_that_was_rejected_is_not_opened(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.finish(ASSET.id, RUN, "rejected")
    before = records.assets.get(ASSET.id)
    assert not records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    assert records.assets.get(ASSET.id) == before


def test_asset_of_another_execution_is_not_opened(records):
    failed_once(records)
    records.assets.begin(ASSET, OTHER, by("manual"))
    assert not records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    assert not records.assets.reopen(ASSET.id, "third", redrives=0, by="ada")
    assert records.assets.get(ASSET.id).execution == OTHER.name


def test_of_two_who_ask_at_once_one_opens_the_record(records, monkeypatch):
    seen = failed_once(records)
    records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="ada")
    monkeypatch.setattr("tasks.shared.records.assets.Assets.get", lambda *_: seen)
    assert not records.assets.reopen(ASSET.id, RUN.name, redrives=0, by="bob")


def test_discarded_asset_says_who_let_it_go_and_why(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    assert not records.assets.discard(ASSET.id, by="ada", why="spam")
    records.assets.finish(ASSET.id, RUN, "rejected", reason=X)
    assert records.assets.discard(ASSET.id, by="ada", why="spam")
    record = records.assets.get(ASSET.id)
    assert (record.status, record.code) == ("discarded", "X")
    assert (record.discarded.by, record.discarded.why) == ("ada", "spam")
    assert not records.assets.discard(ASSET.id, by="bob", why="again")


def test_attempt_that_a_restore_asked_for_ends_the_wait_for_it(records):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.expect_restore(ASSET.id, ASKED)
    records.assets.note_restored(ASSET.id, "2026-11-25T00:00:00Z", done=False)
    assert records.assets.get(ASSET.id).restore.tier == "Bulk"
    records.assets.begin(ASSET, OTHER, by("restore"))
    record = records.assets.get(ASSET.id)
    assert record.restore is None
    assert record.restored_until == "2026-11-25T00:00:00Z"


# values


@pytest.mark.parametrize(
    "value",
    [0.1, 2.0, -1e-7, 1 / 3, 50.123456789012345, 2**53, True, False, "", "ü", [], {}, [1, [2.5, {"a": None}]], None],
)
def test_values_come_back_as_they_went_in(records, value):
    records.assets.begin(ASSET, RUN, by("upload"))
    records.assets.table.set({"pk": f"asset#{ASSET.id}", "sk": "record"}, {"facts": {"value": value}})
    found = records.assets.get(ASSET.id).facts["value"]
    assert found == value
    assert type(found) is type(value) or value == 2.0


# who works on what


def test_executions_are_linked_to_their_assets(records):
    records.links.add(RUN, ASSET.id)
    records.links.add(OTHER, "b" * 32)
    assert records.links.asset_of("first") == ASSET.id
    assert records.links.asset_of("unknown") is None
    assert records.links.assets_of(["first", "second", "unknown"]) == {"first": ASSET.id, "second": "b" * 32}


def test_more_records_are_read_at_once_than_one_request_takes(records, cloud):
    assets = [f"{number:032x}" for number in range(BATCH_GET_MAX_KEYS + 1)]
    for each in assets:
        cloud.put_record(a_record(each))
    assert records.assets.many(assets).keys() == set(assets)


# the current version of a key

OLD, NEW = replace(ASSET, id="0" * 32), replace(ASSET, id="1" * 32, version_id="v2")
SEQUENCERS = [("0055AED6DCD90281E5", "0055AED6DCD90281E6"), ("ff", "FF01"), ("0A", "0a1"), ("09ff", "0a"), ("1", "10f")]


def test_records_that_had_no_capacity_are_asked_for_again_after_pauses_that_grow(cloud, monkeypatch):
    keys = [{"pk": f"asset#{number}", "sk": "record"} for number in range(8)]
    for number in range(8):
        cloud.set_record(str(number), asset_id=str(number))
    whole = cloud.dynamodb.batch_get_item

    def one(RequestItems):  # noqa: N803 - boto3's own name
        """The first item only, as of a table that is throttled."""
        asked = RequestItems[TABLE]
        left = {TABLE: {"Keys": asked["Keys"][1:]}} if asked["Keys"][1:] else {}
        return {**whole(RequestItems={TABLE: {**asked, "Keys": asked["Keys"][:1]}}), "UnprocessedKeys": left}

    pauses: list[float] = []
    monkeypatch.setattr("random.uniform", lambda _least, longest: longest)
    monkeypatch.setattr(cloud.dynamodb, "batch_get_item", one)
    found = list(Table(cloud.dynamodb, TABLE, pauses.append).batch_get(keys))
    assert [item["asset_id"] for item in found] == [str(number) for number in range(8)]
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, LONGEST_PAUSE_SECONDS]


@pytest.mark.parametrize(("older", "newer"), SEQUENCERS)
@pytest.mark.parametrize("in_order", [True, False])
def test_sequencers_decide_which_version_is_current(records, older, newer, in_order):
    old, new = replace(OLD, sequencer=older), replace(NEW, sequencer=newer)
    results = [records.current.advance(each) for each in ((old, new) if in_order else (new, old))]
    assert results == [True, in_order]
    assert records.current.of_key("ingest", "photos/cat.jpg") == NEW.id


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("with_sequencer", [(False, False), (True, False), (False, True)])
def test_without_both_sequencers_times_decide(records, in_order, with_sequencer):
    old = replace(OLD, sequencer="ff" if with_sequencer[0] else None)
    new = replace(NEW, sequencer="01" if with_sequencer[1] else None, last_modified="2026-11-23T10:00:00+00:00")
    for each in (old, new) if in_order else (new, old):
        records.current.advance(each)
    assert records.current.of_key("ingest", "photos/cat.jpg") == NEW.id


def test_current_version_stays_current_when_it_is_processed_again(records):
    new = replace(NEW, sequencer="02")
    assert records.current.advance(new)
    assert records.current.advance(new)
    assert not records.current.advance(replace(OLD, sequencer="01"))


def test_key_without_a_finished_version_has_no_current_one(records):
    assert records.current.of_key("ingest", "photos/cat.jpg") is None


# the same content


def finished(records: Records, asset: Asset, **values: str) -> None:
    records.assets.begin(asset, RUN, by("upload"))
    records.assets.succeed(asset.id, RUN, structs.replace(LEARNT, **values))
    records.assets.finish(asset.id, RUN, "succeeded")


def test_content_is_found_oldest_first(records):
    finished(records, NEW)
    finished(records, OLD)
    assert [found.asset_id for found in records.assets.with_content("abc", "1-webp")] == [NEW.id, OLD.id]


@pytest.mark.parametrize("values", [{"sha256": "abd"}, {"recipe": "2-webp"}, {"reused_from": "b" * 32}])
def test_other_content_recipes_and_reuses_are_not_found(records, values):
    finished(records, OLD, **values)
    assert not list(records.assets.with_content("abc", "1-webp"))


@pytest.mark.parametrize("status", ["failed", "rejected"])
def test_content_of_an_asset_that_did_not_succeed_is_not_found(records, status):
    finished(records, OLD)
    records.assets.finish(OLD.id, RUN, status)
    assert not list(records.assets.with_content("abc", "1-webp"))
