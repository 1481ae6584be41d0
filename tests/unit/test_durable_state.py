"""The store under the embedded AWS: what is handed out may change, what was saved is there in the next process."""

import copy
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.loaders
import pytest
from botocore.compat import HTTPHeaders
from botocore.model import ServiceModel
from botocore.parsers import create_parser

from infra.local.durable import executions as executions_module
from infra.local.durable import logs as logs_module
from infra.local.durable.executions import Execution, Executions
from infra.local.durable.journal import Entries, Journal, UnsavedError
from infra.local.durable.logs import Logs
from infra.local.durable.metrics import merged
from infra.local.durable.queues import Queues
from infra.local.durable.shelf import STORED, Lending, Memory, Shelf
from infra.local.durable.store import Change, Store, decode, encode, key_of, key_text
from infra.local.durable.tables import Tables
from infra.local.ministack import cloudwatch_logs, dynamodb, responses, sqs
from infra.local.patches.durability.state import UNSAVED, unsaved

Scoped = Any
NOW_MS = int(time.time() * 1000)


@pytest.fixture(autouse=True)
def _connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process's end closes them; these tests open many in one."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options | {"check_same_thread": False}))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remembered)
    yield
    for each in opened:
        each.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def journal(file: Path) -> Journal:
    return Journal(Store(file))


def scoped(**content: Any) -> Scoped:
    container = responses.AccountRegionScopedDict()
    container.update(content)
    return container


def rows(file: Path, area: str) -> dict[str, Any]:
    """What another process finds in the file."""
    return dict(Store(file).values(area))


def test_an_entry_that_was_changed_in_place_is_saved(file: Path, journal: Journal) -> None:
    topics = scoped(a={"subscriptions": []}, b={"subscriptions": []})
    Entries("sns/topics", topics, journal)
    journal.save()
    topics["a"]["subscriptions"].append("queue")
    del topics["b"]
    journal.save()
    (found,) = rows(file, "sns/topics").values()
    assert found == {"subscriptions": ["queue"]}


def test_only_what_changed_is_written(file: Path, journal: Journal) -> None:
    topics = scoped(a={}, b={})
    Entries("sns/topics", topics, journal)
    journal.save()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE written (key TEXT)")
        database.execute("CREATE TRIGGER tell AFTER INSERT ON rows BEGIN INSERT INTO written VALUES (new.key); END")
    topics["a"]["name"] = "new"
    topics.values()
    journal.save()
    written = sqlite3.connect(file).execute("SELECT key FROM written").fetchall()
    assert [key_of(key)[2] for (key,) in written] == ["a"]


def test_what_a_request_changes_after_another_was_saved_is_not_missed(file: Path, journal: Journal) -> None:
    topics = scoped(a={})
    Entries("sns/topics", topics, journal)
    journal.save()
    with journal.request() as save:
        topic = topics["a"]
        journal.save()
        topic["name"] = "late"
        save()
    assert list(rows(file, "sns/topics").values()) == [{"name": "late"}]


def test_what_a_thread_changes_late_is_saved_a_little_later(file: Path, journal: Journal) -> None:
    topics = scoped(a={})
    Entries("sns/topics", topics, journal)
    topic = topics["a"]
    journal.save()
    topic["name"] = "late"
    journal.save_again()
    assert list(rows(file, "sns/topics").values()) == [{"name": "late"}]


def test_what_could_not_be_saved_is_told_and_saved_once_it_can_be(file: Path, journal: Journal) -> None:
    topics = scoped(a={})
    Entries("sns/topics", topics, journal)
    with sqlite3.connect(file) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON rows BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(UnsavedError, match="disk full"):
        journal.save()
    with sqlite3.connect(file) as database:
        database.execute("DROP TRIGGER full")
    journal.save()
    assert list(rows(file, "sns/topics").values()) == [{}]


def test_what_one_part_told_is_saved_once_another_can_be_read_again(file: Path, journal: Journal) -> None:
    many = [scoped(photos={"arn": "a"}) for _ in range(8)]
    for number, topics in enumerate(many):
        Entries(f"sns/topics{number}", topics, journal)
    journal.save()
    unreadable = Unreadable()
    journal.touch(unreadable, "key")
    for topics in many:
        topics["photos"]["arn"] = "b"
    with pytest.raises(UnsavedError):
        journal.save()
    unreadable.now = False
    journal.save()
    assert {row["arn"] for number in range(8) for row in rows(file, f"sns/topics{number}").values()} == {"b"}


@pytest.mark.parametrize(
    "service", ["s3", "sns", "cloudformation", "iam", "dynamodb", "sqs", "stepfunctions", "lambda"]
)
def test_that_nothing_could_be_saved_is_told_as_each_service_tells_errors(service: str) -> None:
    model = ServiceModel(botocore.loaders.create_loader().load_service_model(service, "service-2"))
    scope = model.signing_name
    kind, body = unsaved(
        f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/{scope}/aws4_request, SignedHeaders=host"
    )
    answer = {"status_code": 500, "headers": HTTPHeaders.from_dict({"content-type": kind.decode()}), "body": body}
    parsed = create_parser(model.resolved_protocol).parse(answer, None)
    assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == ("InternalFailure", UNSAVED)


class Unreadable:
    """A part that has to read the store, which cannot be read now."""

    compared = True
    now = True

    def changes(self, keys: set[Any]) -> Iterator[Change]:  # noqa: ARG002 - a part of the journal
        if self.now:
            raise sqlite3.OperationalError("disk I/O error")
        return iter(())


@pytest.mark.parametrize("value", [{"text": "ü\ud800"}, {"bytes": b"\0\xff"}, {"long": "x" * 10_000}, [1, None]])
def test_values_come_back_as_they_were(file: Path, value: Any) -> None:
    Store(file).write([("area", "key", encode(value))])
    assert Store(file).value("area", "key") == value


def test_keys_come_back_as_tuples() -> None:
    key = ("account", ("bucket", "kéy", None))
    assert key_of(key_text(key)) == key


@pytest.fixture(params=[Shelf, Lending])
def shelf(request: pytest.FixtureRequest, journal: Journal) -> Shelf:
    return request.param("area", ("place",), journal, Memory(kept=0))


def put_back(shelf: Shelf, *keys: str) -> None:
    for key in keys:
        shelf.put_back(key)


def test_a_shelf_has_its_values_in_the_store_unless_they_are_in_use(journal: Journal, shelf: Shelf) -> None:
    shelf.update(a={"n": 1}, b={"n": 2})
    journal.save()
    put_back(shelf, "a", "b")
    assert (shelf.peek("a"), shelf["a"]) == (STORED, {"n": 1})
    assert dict(shelf) == copy.deepcopy(shelf) == {"a": {"n": 1}, "b": {"n": 2}}
    assert list(shelf.values()) == [{"n": 1}, {"n": 2}]
    assert shelf.pop("a") == {"n": 1}
    assert shelf.get("a") is None


def test_a_shelf_never_lets_go_of_what_is_not_saved(journal: Journal, shelf: Shelf) -> None:
    shelf["a"] = {"n": 1}
    put_back(shelf, "a")
    assert shelf.peek("a") == {"n": 1}


def test_what_leaves_a_shelf_is_gone_in_the_next_process(file: Path, journal: Journal, shelf: Shelf) -> None:
    shelf.update(a=1, b=2)
    journal.save()
    del shelf["a"]
    journal.save()
    assert rows(file, "area") == {'["place","b"]': 2}


def test_a_lending_shelf_saves_what_was_changed_in_place(file: Path, journal: Journal) -> None:
    shelf = Lending("area", (), journal, Memory())
    shelf["a"] = {"versions": []}
    journal.save()
    put_back(shelf, "a")
    shelf["a"]["versions"].append(1)
    journal.save()
    assert rows(file, "area") == {'["a"]': {"versions": [1]}}


ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:"
KEY = ("000000000000", "us-east-1", ARN + "one")


def execution(name: str, **members: Any) -> Execution:
    dates = {"startDate": "2026-01-01T00:00:00", "stopDate": None, "redriveDate": None}
    arns = {"stateMachineArn": "machine", "stateMachineVersionArn": None, "stateMachineAliasArn": None}
    state = {"status": "RUNNING", "redriveCount": 0, "definition": "{}", "progress": {}, "mapRunArn": None}
    return {"executionArn": ARN + name, "events": [], **dates, **arns, **state, **members}


def event(number: int, size: int = 0) -> dict[str, Any]:
    return {"id": number, "type": "PassStateEntered", "input": json.dumps({"bucket": "b", "text": "word " * size})}


def ended(record: Execution, at: str = "2026-01-01T00:00:01") -> None:
    record.update(status="SUCCEEDED", stopDate=at, progress=None)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions_module, "KEPT", 0)
    monkeypatch.setattr(executions_module, "IDLE_SECONDS", 0)


@pytest.mark.usefixtures("forgetful")
def test_an_execution_that_ended_is_read_when_it_is_asked_for(file: Path) -> None:
    executions = Executions(Store(file))
    executions[KEY] = record = execution("one", events=[event(1)])
    executions.write()
    record["events"].append(event(2))
    ended(record)
    executions.write()
    executions.put_back()
    assert dict.__len__(executions) == 0
    assert executions[KEY] == record == Executions(Store(file))[KEY]


@pytest.mark.usefixtures("forgetful")
def test_a_running_execution_stays_in_memory(file: Path) -> None:
    executions = Executions(Store(file))
    executions[KEY] = record = execution("one")
    executions.write()
    executions.put_back()
    assert executions[KEY] is record


def test_a_position_that_no_event_follows_is_saved(file: Path) -> None:
    """So a Map Run's children are known after a restart, though the Map waits for them without a further event."""
    executions = Executions(Store(file))
    executions[KEY] = record = execution("one", events=[event(1)])
    executions.write()
    record["progress"] = {"at": {"branches": ["child"]}}
    executions.went_on(record)
    executions.write()
    ((_, found),) = Executions(Store(file)).running()
    assert found["progress"] == record["progress"]


def test_what_a_full_disk_kept_from_being_saved_is_saved_once_there_is_room(file: Path, journal: Journal) -> None:
    executions = Executions(journal.store)
    journal.writers.append(executions)
    executions[KEY] = record = execution("one", events=[event(1)])
    journal.save()
    record["events"] += [event(number, size=500) for number in range(2, 40)]
    executions.went_on(record)
    (pages,) = journal.store.query("PRAGMA page_count")[0]
    journal.store.query(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UnsavedError, match="full"):
        journal.save()

    journal.store.query("PRAGMA max_page_count = 1000000")
    journal.save()
    ((_, found),) = Executions(Store(file)).running()
    assert found["events"] == record["events"]


@pytest.mark.usefixtures("forgetful")
def test_a_redriven_execution_keeps_its_history(file: Path) -> None:
    executions = Executions(Store(file))
    executions[KEY] = record = execution("one", events=[event(1)])
    ended(record)
    executions.write()
    executions.put_back()
    again = executions[KEY]
    again["events"].append(event(2))
    again.update(status="RUNNING", stopDate=None, redriveCount=1)
    executions.write()
    ((_, found),) = Executions(Store(file)).running()
    assert [each["id"] for each in found["events"]] == [1, 2]


def test_executions_are_listed_newest_first_and_in_pages(file: Path) -> None:
    executions = Executions(Store(file))
    for number in range(5):
        executions[*KEY[:2], f"{ARN}{number}"] = record = execution(str(number))
        ended(record, at=f"2026-01-01T00:00:0{number % 3}")
    listed, before = list[str](), None
    while page := executions.listed({"machine = ?": ["machine"]}, before, 2):
        listed += [each["executionArn"] for each in page]
        before = (page[-1]["stopDate"], page[-1]["executionArn"])
    assert listed == [ARN + number for number in "24130"]


def test_an_execution_takes_a_small_part_of_its_size_on_disk(file: Path) -> None:
    executions = Executions(Store(file))
    executions[KEY] = record = execution("one", events=[event(number, size=500) for number in range(36)])
    ended(record)
    executions.write()
    ((size,),) = Store(file).query("SELECT LENGTH(record) + LENGTH(history) FROM executions")
    assert len(json.dumps(record)) > 80_000
    assert size < 8_000


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> Scoped:
    monkeypatch.setattr(sqs, "_queues", scoped())
    sqs._queues["url"] = {"attributes": {}, "messages": []}
    Queues(journal)
    return sqs._queues


def message(name: str) -> dict[str, Any]:
    return {"id": name, "body": name, "visible_at": 0, "receive_count": 0, "receipt_handle": None}


def test_messages_keep_their_order_and_what_happened_to_them(
    file: Path, journal: Journal, queues: Scoped, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues["url"]["messages"] += [message(name) for name in "cab"]
    journal.save()
    queues["url"]["messages"][0].update(receive_count=1)
    del queues["url"]["messages"][1]
    queues["url"]["messages"].append(message("d"))
    journal.save()

    monkeypatch.setattr(sqs, "_queues", scoped(url={"attributes": {}}))
    Queues(Journal(Store(file))).restore()
    found = sqs._queues["url"]["messages"]
    assert [(each["id"], each["receive_count"]) for each in found] == [("c", 1), ("b", 0), ("d", 0)]


def test_messages_that_a_full_disk_kept_from_being_saved_are_saved_once_there_is_room(
    file: Path, journal: Journal, queues: Scoped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts tell what is new once, and count on its being written."""
    queues["url"]["messages"].append(message("a"))
    journal.save()
    (pages,) = journal.store.query("PRAGMA page_count")[0]
    journal.store.query(f"PRAGMA max_page_count = {pages}")
    queues["url"]["messages"] += [message(f"{number}" * 3000) for number in range(9)]
    for _ in range(2):
        with pytest.raises(UnsavedError, match="full"):
            journal.save()

    journal.store.query("PRAGMA max_page_count = 1000000")
    journal.save()
    monkeypatch.setattr(sqs, "_queues", scoped(url={"attributes": {}}))
    Queues(Journal(Store(file))).restore()
    assert len(sqs._queues["url"]["messages"]) == 10


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> Scoped:
    for name in ("_tables", "_ttl_settings"):
        monkeypatch.setattr(dynamodb, name, scoped())
    for name in ("_query", "_paginate_evaluated_items"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    Tables(journal, Memory())
    dynamodb._tables["t"] = {"TableName": "t", "AttributeDefinitions": [], "items": {"a": {"r": {"n": 1}}}}
    return dynamodb._tables


def stored_items(file: Path) -> dict[str, Any]:
    return {f"{key_of(key)[3]}/{key_of(key)[4]}": item for key, item in rows(file, "dynamodb/items").items()}


def save(journal: Journal) -> None:
    """Twice: what a table brings along as a whole is taken over first."""
    journal.save()
    journal.save()


def test_items_are_rows_also_where_the_emulator_puts_them_as_a_whole(
    file: Path, journal: Journal, tables: Scoped
) -> None:
    save(journal)
    dynamodb._set_item(tables["t"], "b", "r", {"n": 2})
    dynamodb._remove_item(tables["t"], "a", "r")
    dynamodb._set_item(tables["t"], "a", "r", {"n": 3})
    save(journal)
    assert stored_items(file) == {"a/r": {"n": 3}, "b/r": {"n": 2}}
    tables["t"]["items"] = {"c": {"r": {"n": 4}}}
    save(journal)
    assert stored_items(file) == {"c/r": {"n": 4}}
    del tables["t"]
    save(journal)
    assert stored_items(file) == {}


def test_a_query_of_an_index_reads_the_items_of_its_page_and_no_others(
    file: Path, journal: Journal, tables: Scoped
) -> None:
    names = {"pk": "HASH", "sk": "RANGE"}
    index = {"IndexName": "by_status", "Projection": {"ProjectionType": "ALL"}}
    index["KeySchema"] = [{"AttributeName": name, "KeyType": kind} for name, kind in (("s", "HASH"), ("at", "RANGE"))]
    definition = {
        "TableName": "records",
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "s", "at")],
        "GlobalSecondaryIndexes": [index],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert dynamodb._create_table(definition)[0] == 200
    for number in range(20):
        keys = {"pk": f"a{number}", "sk": "record", "s": "done", "at": f"{number:02}"}
        item = {name: {"S": text} for name, text in keys.items()} | {"facts": {"S": "x" * number}}
        assert dynamodb._put_item({"TableName": "records", "Item": item})[0] == 200
    save(journal)
    del tables["t"], tables["records"]["items"]
    Tables(again := Journal(Store(file)), Memory()).restore()
    items = tables["records"]["items"]
    again.save()
    values = {":s": {"S": "done"}, ":from": {"S": "03"}, ":to": {"S": "15"}}
    asked = {"TableName": "records", "IndexName": "by_status", "Limit": 5, "ScanIndexForward": False}
    asked |= {"KeyConditionExpression": "s = :s AND #at BETWEEN :from AND :to", "ExpressionAttributeValues": values}
    asked |= {"ExpressionAttributeNames": {"#at": "at"}}
    found, pages = list[str](), 0
    while pages == 0 or "ExclusiveStartKey" in asked:
        page = json.loads(dynamodb._query(asked)[2])
        assert [len(each["facts"]["S"]) for each in page["Items"]] == [int(each["at"]["S"]) for each in page["Items"]]
        found += [each["at"]["S"] for each in page["Items"]]
        if pages == 0:
            assert sum(partition.peek("record") is not STORED for partition in items.values()) == 5
        asked.pop("ExclusiveStartKey", None)
        asked |= {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else {}
        pages += 1
    assert found == [f"{number:02}" for number in range(15, 2, -1)]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> Iterator[Logs]:
    for name in ("_log_groups", "_log_records"):
        monkeypatch.setattr(cloudwatch_logs, name, scoped())
    monkeypatch.setattr(cloudwatch_logs, "_append_log_events", cloudwatch_logs._append_log_events)
    cloudwatch_logs._create_log_group({"logGroupName": "g"})
    logs = Logs(journal)
    save(journal)
    for name in ("old", "new"):
        cloudwatch_logs._create_log_stream({"logGroupName": "g", "logStreamName": name})
    return logs


def write(stream: str, *numbers: int) -> None:
    events = [{"timestamp": NOW_MS + number, "message": f"{number}"} for number in numbers]
    answer = cloudwatch_logs._put_log_events({"logGroupName": "g", "logStreamName": stream, "logEvents": events})
    assert answer[0] == 200


def messages(stream: str) -> list[str]:
    return [each["message"] for each in cloudwatch_logs._log_groups["g"]["streams"][stream]["events"]]


def test_log_events_are_added_and_come_back_in_order(journal: Journal, logs: Logs) -> None:
    write("old", 2)
    logs.save()
    write("old", 1)
    logs.save()
    save(journal)
    put_back(cloudwatch_logs._log_groups["g"]["streams"], "old")
    assert cloudwatch_logs._log_groups["g"]["streams"].peek("old") is STORED
    assert messages("old") == ["1", "2"]


def test_the_oldest_log_events_make_room(journal: Journal, logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    write("old", 1)
    write("new", 2)
    logs.save()
    write("new", 3)
    ((characters,),) = journal.store.query("SELECT MAX(characters) FROM log_chunks")
    monkeypatch.setattr(logs_module, "MAX_GROUP_CHARACTERS", characters)
    monkeypatch.setattr(logs_module, "ROTATION_SECONDS", 0)
    logs._due = 0
    logs.save()
    assert "old" not in cloudwatch_logs._log_groups["g"]["streams"]
    assert messages("new") == ["3"]


def test_a_stream_that_nobody_writes_to_any_more_is_one_chunk(
    journal: Journal, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write("old", number)
        logs.save()
    monkeypatch.setattr(logs_module, "COMPLETE_SECONDS", -1)
    logs._due = 0
    logs.save()
    assert journal.store.query("SELECT COUNT(*), SUM(count) FROM log_chunks") == [(1, 3)]
    assert messages("old") == ["0", "1", "2"]


def test_equal_points_of_a_minute_become_one_with_a_count() -> None:
    def point(second: int, value: float) -> dict[str, Any]:
        return {"Timestamp": 1_800_000_000 + second, "Value": value, "Unit": "Count", "Dimensions": {}}

    found = merged([point(0, 1), point(1, 1), point(2, 2), point(61, 1)])
    assert [(each["Value"], each.get("Count", 1)) for each in found] == [(1, 2), (2, 1), (1, 1)]
    assert sum(each["Value"] * each.get("Count", 1) for each in merged(found)) == 5


def test_text_that_names_no_marks_is_decoded_without_looking_for_them() -> None:
    assert decode('{"__bytes":"x"}') == {"__bytes": "x"}
