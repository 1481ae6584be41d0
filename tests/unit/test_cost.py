"""`sluice cost`: sums that can be checked by hand, and what it says of a mix that makes no sense."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workflow import prices
from workflow.operator.cli.commands import app
from workflow.operator.cost import compare, mix, paths, reference, storage
from workflow.operator.cost.bill import bill, traces
from workflow.operator.cost.measured import invocation
from workflow.operator.cost.mix import Mix, Share
from workflow.operator.cost.storage import DAYS_PER_MONTH, Held, Plan
from workflow.operator.cost.usage import of_mix, of_path

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"

PHOTOS = Mix({"image": Share(1.0, 3.0)})
PLAN = Plan("STANDARD", ((30, "GLACIER_IR"), (365, "DEEP_ARCHIVE")), ((90, "STANDARD_IA"),), 180)
GB = 1024**3


def sluice(*arguments: str, expect: int = 0) -> str:
    done = CliRunner().invoke(app, ["cost", *arguments])
    assert done.exit_code == expect, done.output
    return done.output


# what is counted


def test_million_photographs_take_six_million_transitions_for_150_dollars() -> None:
    made = bill(1_000_000, PHOTOS, PLAN, 1)
    assert made.usage.transitions == pytest.approx(6_000_000)
    assert made.components["Step Functions"] == pytest.approx(150)


def test_rejected_and_repeated_files_take_their_own_paths() -> None:
    usage = of_mix(Mix({"image": Share(1.0, 3.0)}, rejected=0.1, duplicates=0.5))
    assert usage.transitions == pytest.approx(0.9 * 6 + 0.1 * 4 + 0.5 * 2)
    assert usage.executions == pytest.approx(1.5)


def test_parts_of_a_long_video_are_transitions_and_invocations_too() -> None:
    video = Share(1.0, 400.0, parts=8)
    usage = of_mix(Mix({"video": video}))
    assert (usage.transitions, usage.invocations) == (6 + 3 + 8, 6 + 2 + 8)


def test_small_function_computes_at_its_share_of_a_cpu() -> None:
    validate = invocation("validate", "image", 3.0)
    computing = validate.milliseconds - validate.waiting_ms
    assert computing / validate.waiting_ms > 1
    assert validate.gb_seconds == pytest.approx(validate.milliseconds / 1000 * 0.25)


def test_larger_files_take_longer_in_transform_alone() -> None:
    small, large = ({i.function: i.milliseconds for i in invocations_of(mb)} for mb in (3.0, 30.0))
    assert {name for name in small if large[name] > small[name]} == {"transform_image"}


def invocations_of(megabytes: float) -> list:
    return [
        invocation(name, "image", megabytes) for name in ("validate", "transform_image", "thumbnail_image", "archive")
    ]


def test_repeated_event_uploads_nothing_and_tells_nothing() -> None:
    usage = of_path(paths.DUPLICATE, "image", Share(1.0, 3.0))
    assert (usage.s3_writes, usage.events, usage.publishes, usage.invocations) == (0, 0, 0, 1)


def test_every_line_is_its_quantity_times_its_price() -> None:
    made = bill(1_000_000, mix.TYPICAL, PLAN, 12)
    worked_out = [line.quantity * line.price.quoted / line.price.per for line in made.lines]
    assert [line.dollars for line in made.lines] == pytest.approx(worked_out)
    assert sum(made.components.values()) == pytest.approx(made.dollars)


def test_traces_are_the_first_of_each_second_and_a_twentieth_of_the_others() -> None:
    assert traces(1_000_000) == 1_000_000
    assert traces(10_000_000) == pytest.approx(2_628_000 + 0.05 * 7_372_000)


def test_what_a_stage_asks_for_besides_is_on_its_bill() -> None:
    """Each line by hand, for a million photographs."""
    alone = bill(1_000_000, PHOTOS, PLAN, 1)
    jpeg = bill(1_000_000, PHOTOS, replace(PLAN, further_formats=("jpeg",)), 1)
    assert jpeg.usage.s3_writes - alone.usage.s3_writes == pytest.approx(1_000_000)
    assert jpeg.usage.gb_seconds - alone.usage.gb_seconds == pytest.approx(1e6 * (0.041 + 0.015) * 3008 / 1024)
    trail = bill(1_000_000, PHOTOS, replace(PLAN, audit_trail=True), 1)
    assert trail.usage.s3_writes - alone.usage.s3_writes == pytest.approx(4_000_000)
    assert trail.components["S3 requests"] - alone.components["S3 requests"] == pytest.approx(20)


def test_original_that_arrives_in_a_cold_class_costs_what_a_write_there_does() -> None:
    made = bill(1_000_000, PHOTOS, replace(PLAN, archive_class="GLACIER_IR", archive=()), 1)
    (cold,) = (line for line in made.lines if line.what == "COPY into GLACIER_IR")
    assert (cold.quantity, cold.dollars) == (1_000_000, pytest.approx(20))
    small = bill(1_000_000, Mix({"image": Share(1.0, 0.1)}), replace(PLAN, archive_class="GLACIER_IR", archive=()), 1)
    assert "COPY into GLACIER_IR" not in {line.what for line in small.lines}


# tiers


def test_original_goes_from_standard_to_glacier_instant_retrieval_to_deep_archive() -> None:
    original = Held(1, GB, "STANDARD", PLAN.archive)
    assert list(original.stays) == [
        ("STANDARD", 0, 30), ("GLACIER_IR", 30, 365), ("DEEP_ARCHIVE", 365, math.inf),
    ]  # fmt: skip


def test_object_below_128_kb_stays_in_standard() -> None:
    assert [name for name, *_ in Held(1, 128 * 1024 - 1, tiers=PLAN.archive).stays] == ["STANDARD"]
    assert len(list(Held(1, 128 * 1024, tiers=PLAN.archive).stays)) == 3


def test_rejected_original_is_gone_after_its_time() -> None:
    kept = Held(1, GB, kept_days=180)
    assert list(kept.stays) == [("STANDARD", 0, 180)]
    assert storage.months([kept], 12)[11].gigabytes == {"STANDARD": pytest.approx(180 / DAYS_PER_MONTH)}


@pytest.mark.parametrize("days", [1, 30, 45, 90, 365])
def test_each_file_spends_its_days_in_its_first_class_whichever_day_of_the_month_it_came(days: int) -> None:
    """Against a simulation of a file for each hour."""
    held = Held(1, GB, tiers=((days, "GLACIER_IR"),))
    for at, month in enumerate(storage.months([held], 15)):
        uploads = [before + (hour + 0.5) / 720 for before in range(at + 1) for hour in range(720)]
        warm = [max(0.0, min(at + 1, upload + days / DAYS_PER_MONTH) - max(at, upload)) for upload in uploads]
        assert month.gigabytes["STANDARD"] == pytest.approx(sum(warm) / 720, abs=1e-4)
        assert sum(month.gigabytes.values()) == pytest.approx(at + 0.5)
        moved = [at <= upload + days / DAYS_PER_MONTH < at + 1 for upload in uploads]
        assert month.moved.get("GLACIER_IR", 0) == pytest.approx(sum(moved) / 720, abs=0.002)


def test_deep_archive_charges_for_an_index_beside_each_object() -> None:
    month = storage.months([Held(1, GB, tiers=((15, "DEEP_ARCHIVE"),))], 2)[1]
    cold = 1.5 - 15 / DAYS_PER_MONTH
    assert month.gigabytes["DEEP_ARCHIVE"] == pytest.approx(cold * (1 + 32 / 1024**2))
    assert month.gigabytes["STANDARD"] == pytest.approx(1.5 - cold + cold * 8 / 1024**2)


# otherwise


def test_standard_workflow_is_on_the_bill_as_it_is_in_the_comparison() -> None:
    made = bill(1_000_000, mix.TYPICAL, PLAN, 1)
    ours = compare.ways(1_000_000, mix.TYPICAL)[0]
    assert ours.dollars == pytest.approx(made.components["Step Functions"] + made.components["Lambda"])


def test_express_workflow_costs_a_dollar_a_million_and_its_time_in_64_mb() -> None:
    usage = of_mix(PHOTOS)
    seconds = usage.seconds + 6 * 0.05
    assert compare.express(usage) == pytest.approx(1e-6 + seconds / 16 * 0.00001667)


def test_task_of_a_second_is_billed_for_a_minute() -> None:
    ways = {way.name: way.dollars for way in compare.ways(1, PHOTOS)}
    assert ways["Fargate task per file"] == pytest.approx((2 * 0.03238 + 4 * 0.00356) / 60)


def test_published_table_has_computing_a_hundred_times_too_dear() -> None:
    computing = next(line for line in reference.lines() if line.what == "GB-seconds")
    assert computing.quantity == 600_000_000 / 1000 * 0.5 == 300_000
    assert computing.dollars == pytest.approx(5, rel=0.001)
    assert reference.published_price_per_ms() / reference.price_per_ms() == pytest.approx(100, rel=0.001)


# the command


def test_json_has_the_whole_bill() -> None:
    facts = json.loads(sluice("--files", "1000", "--months", "3", "--json"))
    assert facts["dollars"] == pytest.approx(sum(line["dollars"] for line in facts["lines"]))
    assert facts["dollars_per_1000_files"] == pytest.approx(facts["dollars"])
    assert len(facts["storage"]) == 3


def test_stage_decides_on_the_tiers() -> None:
    stored = {
        stage: json.loads(sluice("--stage", stage, "--months", "14", "--json"))["storage"][-1]
        for stage in ("dev", "prod")
    }
    assert "DEEP_ARCHIVE" in stored["prod"]
    assert "DEEP_ARCHIVE" not in stored["dev"]


def test_plot_is_a_picture_with_every_component(tmp_path: Path) -> None:
    target = tmp_path / "bill.svg"
    sluice("--plot", str(target))
    drawn = set(re.findall(r"<text[^>]*>([^<]+)</text>", target.read_text()))
    assert {"Step Functions", "Lambda", "S3 storage", "Logs", "GLACIER_IR"} <= drawn


def test_unknown_stage_is_wrong_use() -> None:
    assert "no stage 'production'" in sluice("--stage", "production", expect=2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kinds.image = {share = 0.5, megabytes = 3}", "add up to 1, not 0.5"),
        ("kinds.picture = {share = 1.0, megabytes = 3}", "no kinds"),
        ("kinds.image = {share = 1.0, megabytes = 0}", "must not be negative"),
        ("kinds.image = {share = 1.0, megabytes = 3, parts = 2}", "only videos"),
        ("kinds.image = {share = 1.0}", "megabytes"),
        ("rejected = 2.0\nkinds.image = {share = 1.0, megabytes = 3}", "from 0 to 1"),
        ("share =", "Invalid value"),
    ],
)
def test_mix_that_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    path = tmp_path / "mix.toml"
    path.write_text(text)
    with pytest.raises(mix.MixError, match=problem):
        mix.read(path)
    monkeypatch.chdir(tmp_path)
    assert "mix.toml" in sluice("--mix", "mix.toml", expect=2)


# the page


def test_page_tells_every_price_with_its_source_and_date() -> None:
    text = PAGE.read_text()
    assert all(f"{price.of} | {price.source} |" in text for price in prices.TABLE)
    assert prices.LISTED in text


def test_page_s_mix_is_the_one_that_is_taken_without_another(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "mix.toml"
    path.write_text(shown)
    assert mix.read(path) == mix.TYPICAL
    assert sluice("--mix", str(path), "--json") == sluice("--json")
