"""Whatever the machine is like, a command ends in its output or a sentence, and says by its exit code which."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from workflow.operator.cli.commands import COMMANDS, load
from workflow.operator.cli.options import span_of

SLUICE = Path(sys.executable).parent / "sluice"


def sh(script, folder, **environment):
    """Run a shell script in which `$sluice` is the command; its exit code and what it said."""
    told = {**os.environ, "sluice": str(SLUICE), "SLUICE_STATE_DIR": str(folder / ".sluice"), **environment}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=told, capture_output=True, text=True, check=False, errors="replace"
    )
    assert "Traceback" not in done.stderr
    assert "A fault of Sluice" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["asl ingest", "--help", "settings --help", "cost", "cost --json"])
def test_full_disk_behind_the_output_is_told(tmp_path, command):
    code, _, said = sh(f"$sluice {command} > /dev/full", tmp_path)
    assert code == 1
    assert "No space left on device" in said


def test_closed_output_is_told(tmp_path):
    code, _, said = sh("$sluice asl ingest >&-", tmp_path)
    assert code == 1
    assert "output is closed" in said


def test_reader_who_has_had_enough_is_no_problem(tmp_path):
    code, shown, said = sh("$sluice asl ingest | head -c 1; exit ${PIPESTATUS[1]}", tmp_path)
    assert (code, shown, said) == (0, "{", "")


def test_letters_that_the_output_cannot_show_are_spelt_out(tmp_path):
    _, _, said = sh("$sluice put '名.jpg' 2>&1 >/dev/null | cat >&2", tmp_path, PYTHONIOENCODING="cp1252")
    assert "\\u540d" in said


def test_folder_that_was_removed_under_us_is_no_problem(tmp_path):
    code, _, said = sh('mkdir gone; cd gone; rmdir ../gone; "$sluice" status', tmp_path, SLUICE_STATE_DIR="")
    assert code == 1
    assert "sluice up" in said


@pytest.mark.parametrize("left", ["{", "[]", '{"endpoint": "http://127.0.0.1:4566"}', '{"unknown": 1}'])
def test_stack_of_another_version_is_told(tmp_path, left):
    (tmp_path / ".sluice").mkdir()
    (tmp_path / ".sluice" / "endpoint.json").write_text(left)
    code, _, said = sh("$sluice status", tmp_path)
    assert code == 1
    assert "sluice down" in said


def test_names_that_are_not_utf_8_are_told(tmp_path):
    code, _, said = sh("$sluice start $'s3://bucket/caf\\xe9.jpg'", tmp_path)
    assert code == 2
    assert "is not an address" in said


def test_file_that_may_not_grow_is_told(tmp_path):
    """As on a full or a read-only disk."""
    access = dict.fromkeys(("endpoint", "access_key_id", "secret_access_key", "origins"), "http://127.0.0.1:9")
    (tmp_path / ".sluice").mkdir()
    (tmp_path / ".sluice" / "endpoint.json").write_text(json.dumps(access))
    # What measures coverage would want to write, too.
    script = "trap '' XFSZ; (ulimit -f 0; $sluice cost --plot plot.svg) 2>&1 | cat >&2; exit 1"
    code, _, said = sh(f"unset COVERAGE_PROCESS_CONFIG; {script}", tmp_path)
    assert code == 1
    assert "File too large" in said


@pytest.mark.parametrize("text", ["2", "d", "-1d", "1.5h", "99999999999d"])
def test_span_that_makes_no_sense_is_wrong_usage(text):
    with pytest.raises(typer.BadParameter):
        span_of(text)


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands_says_what_each_says_of_itself(name):
    assert load(name).help.replace("\n", " ").startswith(COMMANDS[name].summary.rstrip("."))


def test_help_waits_for_no_module_of_a_command():
    """Nor for what they need: the AWS SDK, the definition, the cost model."""
    script = "import sys\nfrom workflow.operator.cli.commands import app\ntry:\n    app(['--help'])\nfinally:\n    "
    script += "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"botocore", "stepfunctions", "msgspec", "infra", "tasks", "workflow.operator.client"}
