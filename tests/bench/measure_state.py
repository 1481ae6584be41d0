"""How the local stack's state grows: disk, start, memory and the time of single calls, at 100, 1,000 and 10,000 files.

    uv run python -m tests.bench.measure_state [FILES …]

A hundred files are what a real stack keeps of each: an execution, items, objects. More are copies of these rows under
other names, put into the store while the stack is down. Prints a Markdown table, as docs/local-stack.md has it.
"""

import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from infra.local.durable.store import Store, pack, unpack
from infra.local.emulator import Emulator
from tests.ports import free_port

ORIGINALS = 100
STATES = ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive")
OBJECTS_A_FILE = 8
ROLE = "arn:aws:iam::000000000000:role/execution"
NAME = re.compile(r"file-(\d{6})")
CALLS = 30
HEADS = (
    *("files", "database a file", "start", "stop", "first query", "memory at start", "memory at work"),
    *("put item", "put object", "100 executions", "20 records"),
)
INSERT = "INSERT OR IGNORE INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def facts(number: int) -> dict[str, Any]:
    """As much as the state of a photograph between two steps."""
    words = {f"measure_{each}": f"{number * 7919 % (each + 11)}.{each}" for each in range(60)}
    return {"key": f"photos/file-{number:06}.jpg", "facts": words, "renditions": [words] * 2}


def machine() -> str:
    following = dict(zip(STATES, [*STATES[1:], None], strict=True))
    states = {
        name: {"Type": "Pass", "Result": facts(index), "ResultPath": f"$.{name}"}
        | ({"Next": then} if (then := following[name]) else {"End": True})
        for index, name in enumerate(STATES)
    }
    return json.dumps({"StartAt": STATES[0], "States": states})


class Stack:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.emulator = Emulator(folder, free_port())
        self.machine = ""

    def client(self, service: str) -> Any:
        access = self.emulator.access
        keys = {"aws_access_key_id": access.access_key_id, "aws_secret_access_key": access.secret_access_key}
        return boto3.client(service, endpoint_url=self.emulator.endpoint, region_name="us-east-1", **keys)

    def start(self) -> float:
        began = time.perf_counter()
        self.emulator.start()
        self.emulator.wait_ready(300)
        return time.perf_counter() - began

    def stop(self) -> float:
        began = time.perf_counter()
        self.emulator.stop(60)
        return time.perf_counter() - began

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.emulator.pid()}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def database_bytes(self) -> int:
        return sum(file.stat().st_size for file in (self.folder / "services").glob("state.sqlite*"))

    def deploy(self) -> None:
        self.client("s3").create_bucket(Bucket="files")
        index = {"KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}], "IndexName": "by_status"}
        self.client("dynamodb").create_table(
            TableName="records",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "status")],
            GlobalSecondaryIndexes=[index | {"Projection": {"ProjectionType": "ALL"}}],
            BillingMode="PAY_PER_REQUEST",
        )
        states = self.client("stepfunctions")
        self.machine = states.create_state_machine(name="ingest", definition=machine(), roleArn=ROLE)["stateMachineArn"]

    def ingest(self, number: int) -> None:
        name, state = f"file-{number:06}", facts(number)
        record = {each: {"S": text} for each, text in state["facts"].items()} | {"status": {"S": "succeeded"}}
        items = {"record": record, "claim": {}, "current": {}, "asset": {}}
        table, s3 = self.client("dynamodb"), self.client("s3")
        for sort_key, item in items.items():
            table.put_item(TableName="records", Item={"pk": {"S": name}, "sk": {"S": sort_key}, **item})
        for each in range(OBJECTS_A_FILE):
            s3.put_object(Bucket="files", Key=f"{name}/{each}", Body=name.encode())
        self.client("stepfunctions").start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(state))

    def multiply(self, files: int) -> None:
        """Copies of the hundred, under names of their own."""
        store = Store(self.folder / "services" / "state.sqlite")
        copies = range(ORIGINALS, files, ORIGINALS)

        def renamed(text: str, step: int) -> str:
            return NAME.sub(lambda name: f"file-{int(name[1]) % ORIGINALS + step:06}", text)

        rows = store.query("SELECT area, key, value FROM rows WHERE key LIKE '%file-0000__%'")
        executions = store.query("SELECT * FROM executions WHERE arn LIKE '%file-0000__'")
        with store.transaction() as database:
            for step in copies:
                for area, key, value in rows:
                    row = (area, renamed(key, step), pack(renamed(unpack(value), step)))
                    database.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", row)
                for account, region, arn, *middle, record, history in executions:
                    row = (account, region, renamed(arn, step), *middle, pack(renamed(unpack(record), step)), history)
                    database.execute(INSERT, row)
        store.put_log_away()


def milliseconds(call: Callable[[], Any]) -> float:
    """Median of a few."""

    def once() -> float:
        began = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - began)

    return statistics.median(once() for _ in range(CALLS))


def measured(stack: Stack) -> list[str]:
    started = stack.start()
    at_start = stack.resident_mb()
    table, states, s3 = (stack.client(name) for name in ("dynamodb", "stepfunctions", "s3"))
    newest = {"TableName": "records", "IndexName": "by_status", "Limit": 20}
    newest |= {"KeyConditionExpression": "#s = :s", "ExpressionAttributeNames": {"#s": "status"}}
    newest |= {"ExpressionAttributeValues": {":s": {"S": "succeeded"}}}
    first_query = time.perf_counter()
    table.query(**newest)
    first_query = time.perf_counter() - first_query
    item = {"pk": {"S": "file-000001"}, "sk": {"S": "record"}, "status": {"S": "succeeded"}}
    calls = [
        milliseconds(lambda: table.put_item(TableName="records", Item=item)),
        milliseconds(lambda: s3.put_object(Bucket="files", Key="file-000001/0", Body=b"again")),
        milliseconds(lambda: states.list_executions(stateMachineArn=stack.machine, maxResults=100)),
        milliseconds(lambda: table.query(**newest)),
    ]
    resident = stack.resident_mb()
    stopped = stack.stop()
    figures = [
        f"{started:.1f} s",
        f"{stopped:.1f} s",
        f"{at_start:.0f} MB",
        f"{resident:.0f} MB",
        f"{first_query:.1f} s",
    ]
    return figures + [f"{call:.1f} ms" for call in calls]


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "aws")
        stack.start()
        stack.deploy()
        empty = stack.database_bytes()
        for number in range(ORIGINALS):
            stack.ingest(number)
        stack.stop()
        print(f"| {' | '.join(HEADS)} |\n|{' --- |' * len(HEADS)}")
        for files in sizes:
            stack.multiply(files)
            growth = (stack.database_bytes() - empty) / files / 1024
            print(f"| {files:,} | {growth:.1f} KB | {' | '.join(measured(stack))} |", flush=True)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [100, 1_000, 10_000])
