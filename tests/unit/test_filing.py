"""Lists over shards, and a table that still has records as the first layout had them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from tasks.shared.indexes import FILED, INDEXES, OLD_INDEXES, SHARDS, filed
from tasks.shared.records.adapter import Records
from tasks.shared.records.filing import Filing
from tasks.shared.records.model import Record, facts_of
from tasks.sweep.report import Report
from tasks.sweep.sweep import Sweep
from tests.unit.cloud import Cloud, a_record

TABLE = "both-layouts"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def table(cloud: Cloud) -> Cloud:
    """One with the indexes of both layouts, as while records are filed anew."""
    every = [(each, "KEYS_ONLY") for each in INDEXES.values()] + [(each, "ALL") for each in OLD_INDEXES.values()]
    names = {"pk", "sk"} | {name for each, _ in every for name in (each.partition, each.sort)}
    cloud.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)],
        KeySchema=schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": each.name,
                "KeySchema": schema(each.partition, each.sort),
                "Projection": {"ProjectionType": projected},
            }
            for each, projected in every
        ],
    )
    return cloud


def schema(partition: str, sort: str) -> list[dict[str, Any]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def layout(cloud: Cloud, old_indexes: str) -> Records:
    return Records(cloud.dynamodb, TABLE, old_indexes)


def changed(number: int, **more: Any) -> Record:
    """One that changed `number` seconds before NOW; two share each moment."""
    at = (NOW - timedelta(seconds=number // 2)).isoformat()
    known = {"updated_at": at, "created_at": at, "upload_order": f"{at}#", "key": "cat.jpg", "kind": "image"}
    return a_record(f"{number:032x}", **{**known, "sha256": "abc", "recipe": "1-webp", **more})


def put(cloud: Cloud, record: Record, *, as_before: bool = False) -> None:
    """As this Sluice writes it, or as one of the first layout did."""
    facts = facts_of(record)
    put_item(cloud, facts if as_before else {**facts, **filed(facts)})


def put_item(cloud: Cloud, item: dict[str, Any]) -> None:
    written = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    cloud.dynamodb.put_item(TableName=TABLE, Item=written)


def filed_anew(filing: Filing, since: str = "") -> list[str]:
    return [each.asset_id for each in filing.renew(since=since) if each.filed]


def numbers(found: Iterator[Record]) -> list[int]:
    """In order of time; those of the same moment are in any."""
    return [int(each.asset_id, 16) for each in sorted(found, key=lambda each: (each.updated_at, each.asset_id))]


def lists(records: Records) -> dict[str, list[int]]:
    """Whom each index has, of what `changed` makes."""
    assets = records.assets
    return {
        "by_status": numbers(assets.newest("by_status", "succeeded")),
        "by_kind": numbers(assets.newest("by_kind", "image")),
        "by_key": numbers(assets.newest("by_key", "sluice-ingest/cat.jpg")),
        "by_content": numbers(assets.with_content("abc", "1-webp")),
    }


# shards


def test_shards_share_what_has_one_status() -> None:
    places = [filed(facts_of(changed(number)))["status_shard"] for number in range(400)]
    counts = [places.count(place) for place in INDEXES["by_status"].partitions("succeeded")]
    assert len(counts) == SHARDS
    assert sum(counts) == 400
    assert min(counts) > 70


@pytest.mark.parametrize("at_once", [1, 3, None])
def test_lists_are_in_order_over_all_shards(table: Cloud, at_once: int | None) -> None:
    for number in range(20):
        put(table, changed(number))
    found = list(layout(table, "").assets.newest("by_status", "succeeded", at_once=at_once))
    assert [each.updated_at for each in found] == sorted((each.updated_at for each in found), reverse=True)
    assert {int(each.asset_id, 16) for each in found} == set(range(20))
    assert len(found) == 20


def test_bounds_hold_in_every_shard(table: Cloud) -> None:
    for number in range(20):
        put(table, changed(number))
    since, before = ((NOW - timedelta(seconds=seconds)).isoformat() for seconds in (6, 3))
    found = layout(table, "").assets.newest("by_status", "succeeded", since=since, before=before)
    assert {int(each.asset_id, 16) for each in found} == set(range(6, 14))


def test_as_many_as_are_wanted_are_the_latest(table: Cloud) -> None:
    for number in range(20):
        put(table, changed(number))
    found = layout(table, "").assets.by("by_status", "succeeded", limit=6)
    assert {int(each.asset_id, 16) for each in found} == set(range(6))


def test_what_moved_since_the_index_knew_is_not_told_of_where_it_was(
    table: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(table, changed(1))
    records = layout(table, "")
    before = list(records.assets.table.query_all(
        "by_status_2", "status_shard = :value", {":value": filed(facts_of(changed(1)))["status_shard"]},
        at_once=None, columns=(),
    ))  # fmt: skip
    put(table, changed(1, status="failed", reason={"code": "KeyError"}))
    with monkeypatch.context() as stale:
        stale.setattr("tasks.shared.records.table.Table.query_all", lambda *_, **__: iter(before))
        assert not records.assets.by("by_status", "succeeded")
    assert len(records.assets.by("by_status", "failed")) == 1


def test_what_moved_while_the_index_was_read_is_told_of_once_where_it_is_now(
    table: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = changed(1)
    put(table, record)
    records = layout(table, "")
    shard = filed(facts_of(record))["status_shard"]
    now = {"pk": f"asset#{record.asset_id}", "sk": "record", "status_shard": shard, "updated_at": record.updated_at}
    before = {**now, "updated_at": (NOW - timedelta(days=1)).isoformat()}
    places = {shard: [now, before]}
    monkeypatch.setattr(
        "tasks.shared.records.table.Table.query_all",
        lambda _table, _index, _where, sent, **_: places.get(sent[":value"], []),
    )
    assert [each.asset_id for each in records.assets.by("by_status", "succeeded")] == [record.asset_id]


# records of the first layout


@pytest.fixture
def both(table: Cloud) -> Cloud:
    """Of ten assets, every other one was written by an older Sluice."""
    for number in range(10):
        put(table, changed(number), as_before=number % 2 == 0)
    return table


ALL = dict.fromkeys(INDEXES, sorted(range(10), key=lambda number: (-(number // 2), number)))


def test_all_are_listed_before_while_and_after_they_are_filed_anew(both: Cloud) -> None:
    reading = layout(both, "read")
    assert lists(reading) == ALL
    filing = reading.filing
    assert filing
    assert [lists(reading) for each in filing.renew() if each.filed] == [ALL] * 5
    assert lists(layout(both, "kept")) == ALL
    assert lists(layout(both, "")) == ALL


def test_filing_anew_may_be_stopped_and_repeated(both: Cloud) -> None:
    filing = layout(both, "read").filing
    assert filing
    for _ in range(3):
        assert next(each for each in filing.renew() if each.filed)
    assert len(filed_anew(filing)) == 2
    assert not filed_anew(filing)
    assert lists(layout(both, "kept")) == ALL


def test_only_where_it_is_filed_changes(both: Cloud) -> None:
    records = layout(both, "read")

    def told() -> list[dict[str, Any]]:
        return [facts_of(each) for each in records.assets.many(f"{number:032x}" for number in range(10)).values()]

    before = told()
    list(records.filing.renew())
    assert told() == before
    assert not any(name in facts for facts in told() for name in FILED)


def test_what_changes_meanwhile_is_left_to_whoever_changes_it(both: Cloud) -> None:
    filing = layout(both, "read").filing
    assert filing
    found = list(filing._of("succeeded", ""))
    later = {"updated_at": (NOW + timedelta(seconds=1)).isoformat()}
    put(both, changed(0, **later, status="failed", reason={"code": "KeyError"}))
    put(both, changed(2, **later, status="rejected", reason={"code": "TooLarge"}), as_before=True)
    assert [filing._moved(item) for item in found].count(True) == 3
    records = layout(both, "")
    assert numbers(records.assets.newest("by_status", "failed")) == [0]
    assert 0 not in lists(records)["by_status"]


def test_record_that_an_older_version_ended_is_filed_anew_by_the_next_look(both: Cloud) -> None:
    list(layout(both, "read").filing.renew())
    both.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"asset#{1:032x}"}, "sk": {"S": "record"}},
        UpdateExpression="SET #status = :failed, updated_at = :now",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":failed": {"S": "failed"}, ":now": {"S": NOW.isoformat()}},
    )
    kept = layout(both, "kept")
    assert 1 not in lists(kept)["by_status"]
    assert filed_anew(kept.filing, since=NOW.isoformat()) == [f"{1:032x}"]
    assert numbers(kept.assets.newest("by_status", "failed")) == [1]


def test_record_without_a_recipe_is_filed_as_far_as_it_can_be(both: Cloud) -> None:
    facts = facts_of(changed(0))
    put_item(both, {name: value for name, value in facts.items() if name != "recipe"})
    assert len(filed_anew(layout(both, "read").filing)) == 5
    kept = lists(layout(both, "kept"))
    assert kept == {**ALL, "by_content": [each for each in ALL["by_content"] if each != 0]}


@pytest.mark.parametrize("damage", [{"kind": 7}, {"sha256": ["abc"]}, {"asset_id": None}])
def test_unreadable_record_is_left_and_named_while_the_others_are_filed_anew(
    both: Cloud, damage: dict[str, Any]
) -> None:
    put_item(both, {**facts_of(changed(0)), **damage})
    records = layout(both, "read")
    assert records.filing
    assert len(filed_anew(records.filing)) == 4
    (told,) = records.assets.unreadable()
    assert (told.asset_id, told.bucket, told.key) == (f"{0:032x}", "sluice-ingest", "cat.jpg")
    assert "cannot be read" in told.problem
    assert records.filing.first_left() == told.asset_id


def test_what_is_left_is_told_without_a_write(both: Cloud) -> None:
    filing = layout(both, "read").filing
    assert filing
    assert filing.first_left() in {f"{number:032x}" for number in range(0, 10, 2)}
    assert len(filed_anew(filing)) == 5
    assert filing.first_left() is None


def swept(cloud: Cloud, functions: dict[str, Any], time_is_up: Callable[[], bool]) -> Report:
    """By a sweep of a stage that keeps the old indexes, for which nothing is old enough to be stuck."""
    stage = replace(functions["sweep"].stage, records=layout(cloud, "kept"))
    return Sweep(stage, timedelta(days=36500), time_is_up=time_is_up).run()


@pytest.mark.usefixtures("machine")
def test_sweep_files_anew_and_names_what_it_cannot_read(both: Cloud, functions: dict[str, Any]) -> None:
    put_item(both, {**facts_of(changed(0)), "kind": 7})
    report = swept(both, functions, lambda: False)
    assert [(each.did, each.asset_id) for each in report.findings] == [("trouble", f"{0:032x}")]
    assert report.complete
    assert not filed_anew(layout(both, "kept").filing)


@pytest.mark.usefixtures("machine")
def test_sweep_asks_for_the_time_at_each_record_that_it_looks_at(both: Cloud, functions: dict[str, Any]) -> None:
    list(layout(both, "kept").filing.renew())
    times = iter([False, False, True])
    assert not swept(both, functions, lambda: next(times)).complete


def test_table_with_todays_indexes_alone_has_nothing_to_file_anew(table: Cloud) -> None:
    assert layout(table, "").filing is None
