"""Has S3 restore an original out of Glacier; what is to follow begins by S3's event, hours later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from botocore.exceptions import ClientError

from tasks.shared.executions import Executions
from tasks.shared.objects import ObjectFacts, Objects
from tasks.shared.records.model import Record, Restore, plain
from tasks.shared.restored import continuation
from workflow import prices
from workflow.glacier import RETRIEVALS, Tier, is_frozen
from workflow.operator.client import Sluice
from workflow.operator.operations import NotPossibleError
from workflow.operator.patience import PROBLEMS, patiently
from workflow.operator.stack import NotThereError
from workflow.shapes import Pointer
from workflow.units import GIB

OK = 200
"""S3's answer where a restored copy is there already: it is kept longer, and no event follows. Else it is 202."""

DAYS_A_MONTH = 30
PRICES: Mapping[tuple[str, str], tuple[prices.Price, prices.Price]] = MappingProxyType(
    {
        ("GLACIER", Tier.EXPEDITED): (prices.GLACIER_EXPEDITED, prices.GLACIER_EXPEDITED_REQUEST),
        ("GLACIER", Tier.STANDARD): (prices.GLACIER_STANDARD, prices.GLACIER_STANDARD_REQUEST),
        ("GLACIER", Tier.BULK): (prices.GLACIER_BULK, prices.GLACIER_BULK_REQUEST),
        ("DEEP_ARCHIVE", Tier.STANDARD): (prices.DEEP_ARCHIVE_STANDARD, prices.DEEP_ARCHIVE_STANDARD_REQUEST),
        ("DEEP_ARCHIVE", Tier.BULK): (prices.DEEP_ARCHIVE_BULK, prices.DEEP_ARCHIVE_BULK_REQUEST),
    }
)
"""Of a GB and of a request, by storage class and tier."""


@dataclass(frozen=True)
class Asked:
    """A restore; `state` is "asked", "under way" where it had been asked for before, or "readable".

    Then `execution` is the reprocess, which has begun.
    """

    asset_id: str
    key: str
    storage_class: str
    state: str
    takes: str
    asked: Restore
    execution: str | None

    def facts(self) -> dict[str, Any]:
        return {
            "asset_id": self.asset_id,
            "key": self.key,
            "storage_class": self.storage_class,
            "state": self.state,
            "takes": self.takes,
            **plain(self.asked),
            "execution": self.execution,
        }


def restore(
    sluice: Sluice,
    record: Record,
    *,
    tier: str = "Standard",
    days: int = 7,
    by: str,
    why: str | None = None,
    reprocess: bool = True,
) -> Asked:
    """Ask for a readable copy for some `days`, and by default for a reprocess once it is there."""
    original = _frozen_original(sluice, record)
    retrieval = _retrieval(original, tier)
    asked = Restore(
        tier=tier,
        days=days,
        asked_at=datetime.now(UTC).isoformat(),
        by=by,
        why=why or None,
        then_reprocess=reprocess,
    )
    sluice.records.assets.expect_restore(record.asset_id, asked)
    state = _ask(sluice, record.asset_id, original.at, tier, days)
    execution = patiently(lambda: _go_on(sluice, record, asked)) if state == "readable" else None
    return Asked(record.asset_id, record.key, original.at.storage_class, state, retrieval, asked, execution)


@dataclass(frozen=True, kw_only=True)
class RestorePrice:
    """What a restore of some originals takes, and costs in dollars; `problems` says by asset why there is none."""

    count: int
    bytes: int
    dollars: float
    takes: tuple[str, ...]
    problems: dict[str, str]


def price_of_restore(sluice: Sluice, records: Iterable[Record], *, tier: str, days: int) -> RestorePrice:
    """Before anything is asked for: the retrieval, and the readable copies for so many days. Prices are AWS's."""
    originals, problems = list[ObjectFacts](), dict[str, str]()
    for record in records:
        try:
            original = patiently(partial(_frozen_original, sluice, record))
            _retrieval(original, tier)
        except PROBLEMS as exc:
            problems[record.asset_id] = str(exc)
        else:
            originals.append(original)
    return RestorePrice(
        count=len(originals),
        bytes=sum(each.size for each in originals),
        dollars=sum(_dollars(each, tier, days) for each in originals),
        takes=tuple(dict.fromkeys(_retrieval(each, tier) for each in originals)),
        problems=problems,
    )


def _dollars(original: ObjectFacts, tier: str, days: int) -> float:
    per_gb, request = PRICES[original.at.storage_class, tier]
    gigabytes = original.size / GIB
    return request + gigabytes * (per_gb + prices.S3_STANDARD * days / DAYS_A_MONTH)


def _frozen_original(sluice: Sluice, record: Record) -> ObjectFacts:
    """The current copy: where its class was changed by a copy, its version is not the record's."""
    bucket, key = record.original.bucket, record.original.key
    version = record.original.version_id if bucket != sluice.buckets.archive else None
    found = Objects(sluice.aws.s3).head(Pointer(bucket=bucket, key=key, version_id=version))
    if found is None:
        raise NotThereError(f"The original s3://{bucket}/{key} is not there. Somebody else removed it.")
    if not is_frozen(found.at.storage_class):
        raise NotPossibleError(
            f"The original of {record.key} is in {found.at.storage_class} and can be read at once: "
            f"`sluice reprocess {record.asset_id}` needs no restore."
        )
    return found


def _retrieval(original: ObjectFacts, tier: str) -> str:
    tiers = RETRIEVALS[original.at.storage_class]
    if tier not in tiers:
        raise NotPossibleError(f"{original.at.storage_class} has no {tier} retrieval; choose {' or '.join(tiers)}.")
    return tiers[tier]


def _ask(sluice: Sluice, asset_id: str, at: Pointer, tier: str, days: int) -> str:
    """The record says already what is to follow: the event may come before S3's answer."""
    request: Any = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
    try:
        answer = sluice.aws.s3.restore_object(
            Bucket=at.bucket, Key=at.key, VersionId=at.version_id or "", RestoreRequest=request
        )
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") == "RestoreAlreadyInProgress":
            return "under way"
        sluice.records.assets.forget_restore(asset_id)
        raise
    return "readable" if answer["ResponseMetadata"]["HTTPStatusCode"] == OK else "asked"


def _go_on(sluice: Sluice, record: Record, asked: Restore) -> str | None:
    """No event will come: what it would have started is started here, under the same name."""
    if not asked.then_reprocess:
        sluice.records.assets.forget_restore(record.asset_id)
        return None
    name, wanted = continuation(record, asked)
    Executions(sluice.aws.stepfunctions, sluice.stack.state_machine_alias_arn).start(name, wanted)
    return name
