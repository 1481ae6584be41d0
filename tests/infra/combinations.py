"""Stages of which every two choices of any two settings meet in one: a covering array over FACTORS.

`python -m tests.infra.combinations FOLDER` synthesizes them below the folder. Their names are as long as any may be.
"""

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.stages.read import make
from infra.stages.settings import Settings
from tests.infra.synthesize import stand_ins, synthesize

Choice = dict[str, dict[str, Any]]
"""Tables of a stage, as in stages.toml."""

EVER_COLDER = [
    {"after_days": 30, "storage_class": "STANDARD_IA"},
    {"after_days": 60, "storage_class": "GLACIER_IR"},
    {"after_days": 400, "storage_class": "DEEP_ARCHIVE"},
]
QUEUE = {"request_queue_concurrency": 2}
OUTCOMES = {"outcome_bus": "outcomes"}
WARM = {"functions": {"validate": 2}, "from": "cron(0 8 ? * * *)", "to": "cron(0 18 ? * * *)", "timezone": "Asia/Tokyo"}
FACTORS: dict[str, tuple[Choice, ...]] = {
    "made of files": (
        {},
        {
            "files": {
                "rendition_formats": ["webp", "jpeg"],
                "publish_private_metadata": True,
                "partition_by": "day",
                "expand_archives": True,
                "long_video_cpu_seconds": 500,
            }
        },
    ),
    "long videos": ({}, {"files": {"long_videos": "mediaconvert"}}),
    "big files": ({}, {"files": {"big_files": True}}),
    "kept": (
        {},
        {"storage": {"retain_data": True}},
        {"storage": {"retain_data": True}, "archive": {"lock_days": 1, "lock_mode": "compliance"}},
        {"archive": {"lock_days": 365}},
    ),
    "expires": ({}, {"storage": {"output_ia_days": 0, "quarantine_days": 0, "access_logs_days": 1}}),
    "indexes": ({}, {"storage": {"old_indexes": "read"}}, {"storage": {"old_indexes": "kept"}}),
    "glue": ({}, {"storage": {"glue_database": "lake_" * 40}}),
    "archive": (
        {},
        {"archive": {"storage_class": "STANDARD_IA", "superseded_copies_days": 1}},
        {"archive": {"storage_class": "STANDARD", "tiers": EVER_COLDER}},
    ),
    "trail": ({}, {"audit_trail": {"enabled": True}}, {"audit_trail": {"enabled": True, "lock_days": 30}}),
    "api": (
        {},
        {"ways_in": {"http_api": {}}},
        {"ways_in": {"http_api": {"jwt_issuer": "https://issuer.example", "jwt_audiences": ["one", "two"]}}},
    ),
    "queue": (
        {},
        {"ways_in": QUEUE},
        {"ways_in": QUEUE | {"notification_topic": True}},
        {"ways_in": QUEUE | {"notification_topic": True, "notification_partners": ["111122223333", "444455556666"]}},
    ),
    "telemetry": ({}, {"ways_in": {"telemetry_stream": True}}),
    "ways out": (
        {},
        {"ways_out": {"outcome_bus": "default"}},
        {"ways_out": OUTCOMES | {"webhook_url": "https://hooks.example.com/sluice"}},
        {"ways_out": OUTCOMES | {"webhook_url": "https://hooks.example.com:8443/?a=b", "webhook_paused": True}},
    ),
    "reserved": ({}, {"functions": {"concurrency": {"validate": 3, "transform_image": 10}}}),
    "warm": ({}, {"functions": {"provisioned_concurrency": WARM, "live_settings_cache_ttl_seconds": 1}}),
    "sweeps": ({}, {"sweeper": {"every_minutes": 1, "older_than_minutes": 60}}, {"sweeper": {"every_minutes": 1440}}),
    "rollout": (
        {},
        {"rollout": {"how": "canary", "percentage": 1, "interval_minutes": 2100, "max_failures": 0}},
        {"rollout": {"how": "linear", "percentage": 50}},
    ),
    "logs": ({}, {"observability": {"log_level": "ERROR", "log_retention": "INFINITE"}}),
    "told": (
        {},
        {"observability": {"alarm_emails": ["a@example.com", "b@example.com"]}},
        {"observability": {"monthly_budget_dollars": 1}},
    ),
    "key": ({}, {"security": {"customer_key": True}}),
    "boundary": ({}, {"security": {"permissions_boundary": "team-boundary"}}),
}
"""The choices there are, those that need one another in one. Any choice of one goes with any of the others."""


def combinations() -> Iterator[Settings]:
    """Stages of which every two choices meet in one."""
    factors = list(FACTORS.values())
    for number, row in enumerate(covering([len(choices) for choices in factors])):
        yield make(f"combination-number-{number:05}", merged(*(factors[at][level] for at, level in enumerate(row))))


def merged(*choices: Choice) -> Choice:
    whole: Choice = {}
    for choice in choices:
        for topic, fields in choice.items():
            whole[topic] = whole.get(topic, {}) | fields
    return whole


def covering(levels: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Rows with a level for each factor, such that every pair of levels is in one of them; greedily, thus in few."""
    missing = set(pairs(levels))
    while missing:
        row = dict(min(missing))
        for factor in range(len(levels)):
            if factor not in row:
                row[factor] = max(range(levels[factor]), key=lambda level: len(missing & set(met(row, factor, level))))
        chosen = tuple(row[factor] for factor in range(len(levels)))
        missing -= set(itertools.combinations(enumerate(chosen), 2))
        yield chosen


def pairs(levels: Sequence[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Two factors, each with one of its levels."""
    for one, other in itertools.combinations(range(len(levels)), 2):
        yield from itertools.product(
            ((one, level) for level in range(levels[one])), ((other, level) for level in range(levels[other]))
        )


def met(row: dict[int, int], factor: int, level: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The pairs that a level makes with those that were chosen before."""
    return (tuple(sorted([(factor, level), chosen])) for chosen in row.items())


def main(output: Path) -> None:
    packages = stand_ins(output / "packages")
    for settings in combinations():
        synthesize(output / settings.stage, settings, packages)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
