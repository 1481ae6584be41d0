"""Validate: find the object, claim its version for this execution, and decide from its first and last bytes."""

from dataclasses import dataclass, replace

import msgspec

from tasks.shared import clients
from tasks.shared.live_settings import LiveParameter
from tasks.shared.objects import Objects
from tasks.shared.observe import working_for
from tasks.shared.records.adapter import Records
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.validate.inspect import check_name_and_size, inspect
from tasks.validate.locate import Places, locate
from workflow.shapes import Asset, ExecutionInput, Run

PROBE_BYTES = 64 * 1024


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    ingest_bucket: str
    expanded_bucket: str
    archive_bucket: str
    quarantine_bucket: str
    expand_archives: bool
    live_settings: str
    big_files: bool = False
    old_indexes: str = ""


settings = from_environment(Settings)
places = Places(settings.ingest_bucket, settings.expanded_bucket, settings.archive_bucket, settings.quarantine_bucket)
REFUSED: dict[str, str] = {} if settings.expand_archives else {"archive": "the stage's setting expand_archives"}
objects = Objects(clients.s3())
live = LiveParameter(clients.ssm(), settings.live_settings)
records = Records(clients.dynamodb(), settings.table_name, settings.old_indexes)


@dataclass(frozen=True)
class State:
    """What starts the execution, and the ARNs of the functions that serve each kind, by kind and task."""

    wanted: ExecutionInput
    functions: dict[str, dict[str, str]]


@task("validate", State, result="asset")
def handle(state: State, run: Run) -> Asset:
    wanted = state.wanted
    asset = locate(wanted, places, objects, records)
    working_for(run, asset.id)
    records.links.add(run, asset.id)
    records.claims.take(asset.id, run, delivery=wanted.is_delivery)
    attempt = records.assets.begin(asset, run, wanted)
    found = checked(replace(asset, attempt=attempt))
    return replace(found, functions=state.functions[found.kind])


def checked(asset: Asset) -> Asset:
    """The asset with its kind, decided by content; raises a RejectedError."""
    check_name_and_size(asset.key, asset.size)
    wanted = live.now()
    head = objects.read_range(asset.source, 0, min(PROBE_BYTES, asset.size))
    tail = objects.read_range(asset.source, asset.size - PROBE_BYTES, asset.size) if asset.size > PROBE_BYTES else head
    verdict = inspect(
        key=asset.key,
        size=asset.size,
        declared_type=asset.declared_type,
        head=head,
        tail=tail,
        refused={**dict.fromkeys(wanted.refused_kinds, "the live setting refused_kinds"), **REFUSED},
        big_files=settings.big_files,
        lowered={kind.value: limit for kind, limit in wanted.max_bytes.items()},
    )
    return replace(asset, kind=verdict.kind, media_type=verdict.media_type, notes=verdict.notes)
