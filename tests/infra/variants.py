"""Our stages, others made of them, and a stage with the settings that none of ours has and that a team may want."""

from typing import Any

import msgspec
import pytest

from infra.stages.read import SettingsError, make
from infra.stages.settings import Settings
from infra.stages.stages import built_in

STAGES = built_in()

UNUSUAL = make(
    "unusual",
    {
        "files": {"long_videos": "mediaconvert", "big_files": True, "partition_by": "day"},
        "storage": {"glue_database": "lake"},
        "archive": {"lock_days": 365},
        "audit_trail": {"enabled": True, "lock_days": 30},
        "ways_in": {
            "http_api": {"jwt_issuer": "https://issuer.example/", "jwt_audiences": ["sluice"]},
            "request_queue_concurrency": 2,
            "notification_topic": True,
            "notification_partners": ["111122223333"],
        },
        "ways_out": {
            "outcome_bus": "sluice-outcomes",
            "webhook_url": "https://hooks.example.com:8443/sluice?team=7",
        },
        "functions": {
            "provisioned_concurrency": {
                "functions": {"validate": 5, "transform_image": 10},
                "from": "cron(0 8 ? * MON-FRI *)",
                "to": "cron(0 18 ? * MON-FRI *)",
            }
        },
        "sweeper": {"every_minutes": 1},
        "rollout": {"how": "linear", "percentage": 25, "interval_minutes": 5},
        "observability": {"alarm_emails": ["on-call@example.com"], "monthly_budget_dollars": 50},
        "security": {"customer_key": True, "permissions_boundary": "team-boundary"},
    },
)


def changed(settings: Settings, **topics: dict[str, Any]) -> Settings:
    """A stage as another one, but for some settings of some topics."""
    given = msgspec.to_builtins(settings)
    stage = given.pop("stage")
    return make(stage, given | {topic: given[topic] | fields for topic, fields in topics.items()})


def assert_refused(match: str, settings: Settings | None = None, **topics: dict[str, Any]) -> None:
    """Such settings are, with a message that has `match`; those of `dev`, unless others are given."""
    with pytest.raises(SettingsError, match=match):
        changed(settings or STAGES["dev"], **topics)
