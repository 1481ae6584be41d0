"""How many bytes lie in each storage class: CloudWatch's daily figures on AWS, a bounded listing on the laptop."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from workflow.operator.client import Sluice

LISTED_PAGES_MAX = 5
"""Of a thousand objects, in each bucket of the laptop."""
FIGURES_AT_LEAST_EVERY = timedelta(days=3)
"""S3 reports its sizes once a day, and late."""
DAY_SECONDS = 86_400

STORAGE_CLASSES = {
    "StandardStorage": "STANDARD",
    "StandardIAStorage": "STANDARD_IA",
    "IntelligentTieringFAStorage": "INTELLIGENT_TIERING",
    "IntelligentTieringIAStorage": "INTELLIGENT_TIERING",
    "OneZoneIAStorage": "ONEZONE_IA",
    "GlacierInstantRetrievalStorage": "GLACIER_IR",
    "GlacierStorage": "GLACIER",
    "DeepArchiveStorage": "DEEP_ARCHIVE",
}
"""CloudWatch's StorageType by the name that S3's API has."""


@dataclass(frozen=True)
class Stored:
    """Bytes by bucket and storage class; `note` says where the figures come from."""

    sizes: dict[tuple[str, str], int]
    note: str


def stored(sluice: Sluice) -> Stored:
    """What lies in the buckets that keep files."""
    places = {place: bucket for place, bucket in asdict(sluice.buckets).items() if place != "operations"}
    if sluice.stack.endpoint is None:
        return Stored(_measured(sluice, places), "CloudWatch's daily figures; they lag by a day or two.")
    sizes, whole = _listed(sluice, places)
    return Stored(sizes, "By listing." if whole else f"By listing the first {LISTED_PAGES_MAX},000 objects of each.")


def _listed(sluice: Sluice, places: dict[str, str]) -> tuple[dict[tuple[str, str], int], bool]:
    """Sizes, and whether that is all there is."""
    sizes: Counter[tuple[str, str]] = Counter()
    more = False
    for place, bucket in places.items():
        pages = sluice.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for number, page in enumerate(islice(pages, LISTED_PAGES_MAX), start=1):
            for found in page.get("Contents", []):
                sizes[place, found.get("StorageClass", "STANDARD")] += found.get("Size", 0)
            more = more or (number == LISTED_PAGES_MAX and page.get("IsTruncated", False))
    return dict(sizes), not more


def _measured(sluice: Sluice, places: dict[str, str]) -> dict[tuple[str, str], int]:
    wanted = [(place, kind) for place in places for kind in STORAGE_CLASSES]
    queries = [_query(f"m{at}", places[place], kind) for at, (place, kind) in enumerate(wanted)]
    now = datetime.now(UTC)
    found: Any = sluice.aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - FIGURES_AT_LEAST_EVERY, EndTime=now, ScanBy="TimestampDescending"
    )
    sizes: Counter[tuple[str, str]] = Counter()
    for result in found["MetricDataResults"]:
        if result["Values"]:
            place, kind = wanted[int(result["Id"][1:])]
            sizes[place, STORAGE_CLASSES[kind]] += int(result["Values"][0])
    return dict(sizes)


def _query(name: str, bucket: str, kind: str) -> dict[str, Any]:
    dimensions = [{"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": kind}]
    metric = {"Namespace": "AWS/S3", "MetricName": "BucketSizeBytes", "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": DAY_SECONDS, "Stat": "Average"}}
