"""Which stack a command speaks to: that of the folder or one above, and no other than it is told."""

import pytest

from workflow.operator.stack import OWN_STATE_DIR, Connection, NotThereError, find_state_dir


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.delenv("SLUICE_STATE_DIR", raising=False)


def test_state_is_sought_in_the_folders_above(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".sluice").mkdir()
    assert find_state_dir(inner) == tmp_path / ".sluice"


def test_state_of_the_folder_itself_comes_first(tmp_path):
    inner = tmp_path / "a"
    for folder in (tmp_path, inner):
        (folder / ".sluice").mkdir(parents=True)
    assert find_state_dir(inner) == OWN_STATE_DIR


def test_state_that_is_named_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_STATE_DIR", "/elsewhere")
    assert str(find_state_dir(tmp_path)) == "/elsewhere"


def test_state_of_somebody_else_is_not_taken(tmp_path, monkeypatch):
    (tmp_path / ".sluice").mkdir()
    inner = tmp_path / "a"
    inner.mkdir()
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    assert find_state_dir(inner) == OWN_STATE_DIR


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566", "http://[::1]:4566"])
def test_another_stage_is_not_looked_for_on_the_laptop(monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(NotThereError, match="unset AWS_ENDPOINT_URL"):
        Connection("prod")


def test_another_stage_may_have_an_endpoint_of_its_own(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://vpce-1.example.com")
    assert Connection("prod", region="eu-central-1").endpoint is None
