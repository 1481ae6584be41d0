"""Mistakes in a stage's settings are found before AWS finds them, or data is lost; each with its line."""

import json
import re
import subprocess
import sys
import tomllib
from typing import Any, get_args

import pytest
from aws_cdk.aws_logs import RetentionDays
from jsonschema import Draft7Validator

from infra.observability.settings import Retention
from infra.stages import schema, starter
from infra.stages.locate import Path as TomlPath
from infra.stages.locate import line_of
from infra.stages.read import RENAMED, TOPICS, SettingsError, read
from infra.stages.stages import BUILT_IN, CHOSEN, settings_of, stages
from tests.infra.variants import STAGES, assert_refused, changed

# the stages there are


def test_stages_are_local_dev_staging_and_prod() -> None:
    assert list(STAGES) == ["local", "dev", "staging", "prod"]


def test_only_the_local_stage_runs_the_source_tree() -> None:
    assert [stage for stage, settings in STAGES.items() if settings.from_source] == ["local"]


def test_unknown_stage_is_refused_with_the_stages_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no stage 'production'; the stages are local, dev, staging, prod"):
        settings_of("production")


@pytest.fixture
def folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Where the command runs."""
    monkeypatch.delenv(CHOSEN, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_file_the_stages_are_ours(folder: Any) -> None:
    assert list(folder.iterdir()) == []
    assert stages() == STAGES


def test_the_folders_file_has_its_own_stages_and_the_laptops_is_always_there(folder: Any) -> None:
    (folder / "stages.toml").write_text("[acme]\nstorage.retain_data = true\n")
    assert {name: each.storage.retain_data for name, each in stages().items()} == {"local": False, "acme": True}
    assert stages()["local"] == STAGES["local"]
    (folder / "stages.toml").write_text("[local]\n")
    assert not settings_of("local").audit_trail.enabled
    assert settings_of("local").storage.old_indexes == "kept", "an older table keeps its lists"
    (folder / "stages.toml").write_text('[local.storage]\nold_indexes = "none"\n')
    assert settings_of("local").storage.old_indexes == "none"


def test_the_file_holds_in_the_folders_below_it(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "stages.toml").write_text("[acme]\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert "acme" in stages()


def test_a_program_that_runs_elsewhere_is_told_of_the_file(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOSEN, str(folder / "other.toml"))
    with pytest.raises(SettingsError, match=r"other\.toml cannot be read"):
        stages()
    (folder / "other.toml").write_text("[acme]\n")
    assert settings_of("acme").stage == "acme"


def test_settings_are_read_without_the_cdk() -> None:
    program = "import sys, infra.stages.stages; infra.stages.stages.stages(); assert 'aws_cdk' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


# what is refused


def test_unknown_rendition_format_is_refused_with_those_there_are() -> None:
    assert_refused(r"files\.rendition_formats\[1\] must be one of webp, jpeg, not 'bmp'", files=formats("webp", "bmp"))


def test_a_stage_needs_a_rendition_format() -> None:
    assert_refused("rendition_formats must be a list of length >= 1", files=formats())


def formats(*names: str) -> dict[str, Any]:
    return {"rendition_formats": list(names)}


def test_archive_must_be_readable_for_reprocessing_when_an_original_arrives() -> None:
    assert_refused("one of STANDARD, STANDARD_IA, GLACIER_IR, not", archive={"storage_class": "DEEP_ARCHIVE"})


def tiers(*pairs: tuple[int, str]) -> dict[str, Any]:
    return {"tiers": [{"after_days": days, "storage_class": name} for days, name in pairs]}


def test_archive_tiers_must_grow_colder() -> None:
    pairs = tiers((30, "GLACIER"), (90, "STANDARD_IA"))
    assert_refused("colder, in the order of", archive=pairs | {"storage_class": "STANDARD"})


@pytest.mark.parametrize("days", [(10, 90), (30, 45)])
def test_archive_tiers_must_be_a_month_apart(days: tuple[int, int]) -> None:
    assert_refused("30", archive=tiers((days[0], "STANDARD_IA"), (days[1], "GLACIER_IR")))


def test_archive_tiers_must_be_colder_than_the_class_in_which_originals_arrive() -> None:
    assert_refused(
        "colder than GLACIER_IR, in which originals arrive, not STANDARD_IA", archive=tiers((90, "STANDARD_IA"))
    )


@pytest.mark.parametrize(
    ("arrive", "pairs"), [("STANDARD", ((30, "GLACIER_IR"), (100, "DEEP_ARCHIVE"))), ("GLACIER_IR", ((60, "GLACIER"),))]
)
def test_archive_tiers_must_stay_as_long_as_is_paid_for(arrive: str, pairs: tuple[tuple[int, str], ...]) -> None:
    assert_refused("90 days in GLACIER_IR", archive=tiers(*pairs) | {"storage_class": arrive})


@pytest.mark.parametrize("name", ["output_ia_days", "quarantine_days"])
def test_files_stay_a_month_or_for_ever(name: str) -> None:
    assert_refused(f"{name} must be 0 for never, or 30", storage={name: 7})
    assert getattr(changed(STAGES["dev"], storage={name: 0}).storage, name) == 0


@pytest.mark.parametrize(
    ("rollout", "problem"),
    [
        ({"how": "slowly"}, "one of all_at_once, canary, linear, not 'slowly'"),
        ({"how": "canary", "percentage": 100}, "<= 99, not 100"),
        ({"how": "linear", "percentage": 1, "interval_minutes": 60}, "2100 minutes, not 5940"),
        ({"how": "canary", "interval_minutes": 0}, ">= 1, not 0"),
        ({"max_failures": -1}, "max_failures"),
    ],
)
def test_a_rollout_is_one_that_cloudformation_takes(rollout: dict[str, Any], problem: str) -> None:
    assert_refused(problem, rollout=rollout)


def test_concurrency_is_reserved_for_known_functions_only() -> None:
    assert_refused("transfrom", functions={"concurrency": {"transfrom": 5}})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"archive": {"lock_mode": "legal"}}, "legal"),
        ({"archive": {"lock_days": -1}}, ">= 0, not -1"),
        ({"archive": {"lock_mode": "compliance", "lock_days": 1}}, "needs storage.retain_data"),
        ({"security": {"permissions_boundary": "arn:aws:iam::1:policy/team"}}, "a managed policy's name"),
    ],
)
def test_locks_and_boundaries_are_ones_that_aws_takes(change: dict[str, Any], problem: str) -> None:
    assert_refused(problem, **change)


@pytest.mark.parametrize("name", ["Prod", "1st", "a_b", "a-", "a" * 25, "ä"])
def test_a_stages_name_is_one_that_aws_takes(name: str) -> None:
    with pytest.raises(SettingsError, match="no name of a stage"):
        read(f'["{name}"]\n', "stages.toml")


def test_log_retention_is_one_of_the_cdks() -> None:
    assert list(get_args(Retention)) == [each.name for each in RetentionDays]


# how it is told

WRONG = """\
# ours
[prod]
files.rendition_formats = ["webp",
  "bmp"]
storage = { retain_data = "yes", output_ia_days = 7 }

[[prod.archive.tiers]]
after_days = 30
storage_class = "GLACIER_IR"

[[prod.archive.tiers]]
after_days = 3
storage_class = "GLACIER_IR"

[prod.ways_in]
# a queue
request_queue_concurrency = 1001
http_api = { bursts = 3 }

[prod.functions]
provisioned_concurrency = { functions = {}, to = "" }

[prod.quickly]

[dev]
ways_out = 3
"""
TOLD = [
    (3, "prod.files.rendition_formats[1]", "must be one of webp, jpeg, not 'bmp'"),
    (5, "prod.storage.retain_data", "must be true or false, not 'yes'"),
    (12, "prod.archive.tiers[1].after_days", "must be a whole number >= 30, not 3"),
    (17, "prod.ways_in.request_queue_concurrency", "must be a whole number <= 1000, not 1001"),
    (18, "prod.ways_in.http_api.bursts", "is no setting; did you mean burst?"),
    (21, "prod.functions.provisioned_concurrency", "needs `from`"),
    (23, "prod.quickly", "is no setting; there are files, storage,"),
    (26, "dev.ways_out", "must be a table: [dev.ways_out]"),
]


def test_every_mistake_is_told_at_once_with_line_and_field() -> None:
    with pytest.raises(SettingsError) as refused:
        read(WRONG, "stages.toml")
    first, *lines = str(refused.value).splitlines()
    assert first == "stages.toml has settings that cannot be:"
    assert len(lines) == len(TOLD)
    for line, (number, field, problem) in zip(lines, TOLD, strict=True):
        assert line.startswith(f"  line {number}: {field} {problem}")


def test_what_does_not_fit_together_is_told_once_all_else_is_right() -> None:
    with pytest.raises(SettingsError, match=r"line 2: prod\.archive\.lock_mode 'compliance' needs"):
        read('[prod.archive]\nlock_mode = "compliance"\nlock_days = 1\n', "stages.toml")


def test_what_is_no_toml_is_told_with_its_line() -> None:
    with pytest.raises(SettingsError, match=r"stages\.toml is not TOML: .*line 2"):
        read("[dev]\nfiles = \n", "stages.toml")


@pytest.mark.parametrize(("old", "new"), list(RENAMED.items()))
def test_a_renamed_setting_is_refused_with_its_new_name(old: str, new: str) -> None:
    topic, _, name = new.partition(".")
    assert name.partition(".")[0] in TOPICS[topic].__struct_fields__
    for table in ("dev", f"dev.{topic}", "dev.ways_in.http_api"):
        with pytest.raises(SettingsError, match=rf"line 2: {table}\.{old} is called {new} now"):
            read(f"[{table}]\n{old} = 1\n", "stages.toml")


def test_a_setting_in_the_wrong_table_is_told_the_right_one() -> None:
    with pytest.raises(SettingsError, match=r"line 2: dev\.rendition_formats belongs into \[dev\.files\]"):
        read('[dev]\nrendition_formats = ["webp"]\n', "stages.toml")


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\n\n# b\nb = 2\n", ("b",), 4),
        ("[a]\nb = [\n  1,\n  2,\n]\nc = 3\n", ("a", "b", 1), 2),
        ("[a]\nb = [\n  1,\n  2,\n]\nc = 3\n", ("a", "c"), 6),
        ('x = """\n[a]\nb = 1\n"""\n[a]\nb = 1\n', ("a", "b"), 6),
        ("[[a]]\nb = 1\n[[a]]\nb = 2\n", ("a", 1, "b"), 4),
        ("[a.b]\n", ("a", "b", "missing"), 1),
        ("a.b = 1\r\na.c = 2\r\n", ("a", "c"), 2),
        ("", ("a",), 1),
    ],
)
def test_a_line_is_that_of_the_statement(text: str, path: TomlPath, line: int) -> None:
    assert line_of(text, path) == line


# for editors, and to begin with


def test_schema_takes_what_is_right_and_marks_what_is_not() -> None:
    validator = Draft7Validator(json.loads(schema.text()))
    Draft7Validator.check_schema(validator.schema)
    assert not list(validator.iter_errors(tomllib.loads(BUILT_IN.read_text())))
    assert not list(validator.iter_errors(tomllib.loads(starter.text())))
    marked = {tuple(error.absolute_path)[:2] for error in validator.iter_errors(tomllib.loads(WRONG))}
    assert {("prod", "files"), ("prod", "storage"), ("prod", "archive"), ("dev", "ways_out"), ("prod",)} <= marked


def test_every_setting_has_a_help_that_editors_show() -> None:
    definitions = json.loads(schema.text())["$defs"]
    structs = [each for name, each in definitions.items() if name != "Settings"]
    assert len(structs) > len(TOPICS)
    assert [each for struct in structs for each in struct["properties"].items() if not each[1].get("description")] == []


def test_one_begins_with_our_stages() -> None:
    assert read(starter.text(), "stages.toml") == {name: each for name, each in STAGES.items() if name != "local"}


def test_one_begins_with_every_default_as_a_comment() -> None:
    optional = {"provisioned_concurrency"}
    uncommented = re.sub(r"^# (\w+ = )", r"\1", starter.text(), flags=re.MULTILINE)
    made = read(uncommented, "stages.toml")["dev"]
    assert made.functions.provisioned_concurrency
    assert changed(made, functions=dict.fromkeys(optional)) == STAGES["dev"]
    names = {name for topic in TOPICS.values() for name in topic.__struct_fields__}
    assert names <= set(re.findall(r"^(\w+) = ", uncommented, re.MULTILINE))


def test_a_folder_is_begun_once_and_its_schema_is_that_of_this_version(folder: Any) -> None:
    assert {each.name for each in starter.write(folder / "mine")} == {"stages.toml", "stages.schema.json", ".gitignore"}
    (folder / "mine" / "stages.toml").write_text("[acme]\n")
    (folder / "mine" / "stages.schema.json").write_text("{}")
    assert [each.name for each in starter.write(folder / "mine")] == ["stages.schema.json"]
    assert (folder / "mine" / "stages.toml").read_text() == "[acme]\n"
    assert (folder / "mine" / "stages.schema.json").read_text() == schema.text()
