"""Notify: the asset's files are there to be used. Its record says so, and now one CloudEvents message does.

Who is told may look the asset up at once. What remains is to put its original away.
"""

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from tasks.shared import clients
from tasks.shared.announce import Announcer
from tasks.shared.outcome_events import bus_called
from tasks.shared.records.adapter import Records
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow.shapes import Asset, Notified, Run


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    topic_arn: str
    outcome_bus: str


@dataclass(frozen=True)
class State:
    """What Notify needs of the state."""

    asset: Asset


settings = from_environment(Settings)
records = Records(clients.dynamodb(), settings.table_name)
announcer = Announcer(clients.sns(), records, settings.topic_arn, bus_called(settings.outcome_bus))


@task("notify", State)
def handle(state: State, run: Run) -> Notified:
    record = records.assets.must_be_of(state.asset.id, run)
    if record.status != "succeeded":
        records.assets.succeed_again(record, run)
    return Notified(event_id=announcer.announce(replace(record, status="succeeded"), "succeeded"))
