"""Mistakes in a stage's settings are found before AWS finds them, or data is lost."""

from dataclasses import replace
from typing import Any

import pytest

from infra.stages.settings import STAGES, Rollout, Settings, SettingsError, Tier, settings_of

DEV = STAGES["dev"]


def test_stages_are_local_dev_staging_and_prod() -> None:
    assert list(STAGES) == ["local", "dev", "staging", "prod"]


def test_only_the_local_stage_runs_the_source_tree() -> None:
    assert [stage for stage, settings in STAGES.items() if settings.from_source] == ["local"]


def test_unknown_stage_is_refused_with_the_stages_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no stage 'production'; the stages are local, dev, staging, prod"):
        settings_of("production")


def test_unknown_rendition_format_is_refused() -> None:
    with pytest.raises(SettingsError, match="bmp"):
        replace(DEV, rendition_formats=("webp", "bmp"))


def test_a_stage_needs_a_rendition_format() -> None:
    with pytest.raises(SettingsError, match="rendition_formats"):
        replace(DEV, rendition_formats=())


def test_archive_must_be_readable_for_reprocessing_when_an_original_arrives() -> None:
    with pytest.raises(SettingsError, match="readable at once"):
        replace(DEV, archive_storage_class="DEEP_ARCHIVE")


def test_archive_tiers_must_grow_colder() -> None:
    with pytest.raises(SettingsError, match="colder"):
        replace(DEV, archive_tiers=(Tier(30, "GLACIER"), Tier(90, "STANDARD_IA")))


@pytest.mark.parametrize("days", [(10, 90), (30, 45)])
def test_archive_tiers_must_be_a_month_apart(days: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match="30 days"):
        replace(DEV, archive_tiers=(Tier(days[0], "STANDARD_IA"), Tier(days[1], "GLACIER_IR")))


def test_archive_tiers_must_stay_as_long_as_is_paid_for() -> None:
    with pytest.raises(SettingsError, match="90 days in GLACIER_IR"):
        replace(DEV, archive_tiers=(Tier(30, "GLACIER_IR"), Tier(100, "DEEP_ARCHIVE")))


@pytest.mark.parametrize("name", ["output_ia_days", "quarantine_days"])
def test_files_stay_a_month_or_for_ever(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be 0 for never, or 30"):
        replace(DEV, **{name: 7})
    assert getattr(replace(DEV, **{name: 0}), name) == 0


@pytest.mark.parametrize(
    ("rollout", "problem"),
    [
        (Rollout("slowly"), "slowly"),
        (Rollout("canary", percentage=100), "from 1 to 99"),
        (Rollout("linear", percentage=1, interval_minutes=60), "2100 minutes, not 5940"),
        (Rollout("canary", interval_minutes=0), "2100 minutes"),
        (Rollout(most_failures=-1), "most_failures"),
    ],
)
def test_a_rollout_is_one_that_cloudformation_takes(rollout: Rollout, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        replace(DEV, rollout=rollout)


def test_concurrency_is_reserved_for_known_functions_only() -> None:
    with pytest.raises(SettingsError, match="transfrom"):
        replace(DEV, concurrency={"transfrom": 5})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"archive_lock": "legal"}, "legal"),
        ({"archive_lock_days": -1}, "negative"),
        ({"archive_lock": "compliance", "archive_lock_days": 1}, "needs retain_data"),
        ({"permissions_boundary": "arn:aws:iam::1:policy/team"}, "a managed policy's name"),
    ],
)
def test_locks_and_boundaries_are_ones_that_aws_takes(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        replace(DEV, **change)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"rendition_formats.*readable at once"):
        Settings(stage="test", rendition_formats=(), archive_storage_class="GLACIER")
