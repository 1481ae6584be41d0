"""Every key follows from the asset, fits into S3's 1,024 bytes, and leads back to the asset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import naming
from workflow.kinds import MAX_NAME_BYTES

ASSET = naming.asset_id("ingest", "photos/cat.jpg", "v1")
S3_MAX_KEY_BYTES = 1024

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda key: len(key.encode()) <= 1024)
long_keys = st.builds(
    lambda unit, times: (unit * times).encode()[:1024].decode(errors="ignore"),
    st.sampled_from(["a", "é", "猫", "🐈", "a/", "猫/", "/"]),
    st.integers(200, 1024),
)


def test_asset_id_is_the_same_on_every_machine():
    assert ASSET == "677d4d0d620e41c7149018bb56bf2529"


@pytest.mark.parametrize(
    "other",
    [("ingest2", "photos/cat.jpg", "v1"), ("ingest", "photos/cat.jp", "gv1"), ("ingest", "photos/cat.jpg", "v2")],
)
def test_another_bucket_key_or_version_is_another_asset(other):
    assert naming.asset_id(*other) != ASSET


@pytest.mark.parametrize(
    ("key", "kept_as"),
    [
        ("photos/cat.jpg", f"photos/{ASSET}/cat.jpg"),
        ("cat.jpg", f"{ASSET}/cat.jpg"),
        ("a/b/c.tar.gz", f"a/b/{ASSET}/c.tar.gz"),
        ("photos/", f"{ASSET}/photos"),
        ("photos/2024/", f"photos/{ASSET}/2024"),
        ("///", f"{ASSET}/unnamed"),
        ("a b/ü+%20.jpg", f"a b/{ASSET}/ü+%20.jpg"),
    ],
)
def test_original_keeps_its_neighbourhood(key, kept_as):
    assert naming.original_key(key, ASSET) == kept_as


def test_over_long_key_loses_its_folders_and_keeps_its_name():
    assert naming.original_key("folder/" * 140 + "cat.jpg", ASSET) == f"{ASSET}/cat.jpg"


def test_over_long_name_keeps_its_extension_and_whole_characters():
    name = naming.original_key("é" * 400 + ".jpg", ASSET).rpartition("/")[2]
    assert name.endswith("é.jpg")
    assert set(name) == set("é.jpg")
    assert len(name.encode()) <= MAX_NAME_BYTES


@given(st.one_of(keys, long_keys))
def test_every_key_has_an_original_key_that_fits_and_leads_back(key):
    kept_as = naming.original_key(key, ASSET)
    assert len(naming.reason_key(kept_as).encode()) <= S3_MAX_KEY_BYTES
    assert naming.asset_of_original(kept_as) == ASSET
    assert naming.asset_of_original(naming.reason_key(kept_as)) == ASSET


def test_a_key_that_looks_like_an_original_is_not_taken_for_it():
    other = "0" * 32
    assert naming.asset_of_original(naming.original_key(f"a/{other}/cat.jpg", ASSET)) == ASSET


@pytest.mark.parametrize("key", ["cat.jpg", "a/b.jpg", f"x{ASSET}/cat.jpg", f"{ASSET}/", f"{ASSET[:-1]}/cat.jpg", ""])
def test_other_keys_lead_to_no_asset(key):
    assert naming.asset_of_original(key) is None


def test_keys_of_outputs_name_the_asset_and_folders_the_recipe():
    assert naming.renditions_folder(ASSET, "1-webp") == f"renditions/{ASSET}/1-webp"
    assert naming.thumbnails_folder(ASSET, "1-webp") == f"thumbnails/{ASSET}/1-webp"
    assert naming.sidecar_key(ASSET) == f"metadata/{ASSET}/sidecar.json"
    assert naming.technical_key(ASSET) == f"metadata/{ASSET}/technical.json"
