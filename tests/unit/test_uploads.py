"""Files and folders keep their order and names on the way into the ingest bucket, and large ones arrive whole."""

import hashlib

import pytest
from botocore.exceptions import ClientError

from tests.unit.cloud import INGEST
from workflow.operator import uploads
from workflow.operator.stack import NotThereError
from workflow.operator.uploads import Upload, plan, upload
from workflow.units import MIB


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_files_keep_the_order_in_which_they_were_named(tmp_path):
    files(tmp_path, "b.jpg", "a.jpg")
    planned = plan([tmp_path / "b.jpg", tmp_path / "a.jpg"], "in/")
    assert [item.key for item in planned] == ["in/b.jpg", "in/a.jpg"]


def test_folder_keeps_its_name_and_structure(tmp_path):
    files(tmp_path / "trip", "2.jpg", "1.jpg", "day 1/a/ü.jpg")
    assert [item.key for item in plan([tmp_path / "trip"], "")] == ["trip/1.jpg", "trip/2.jpg", "trip/day 1/a/ü.jpg"]


def test_hidden_files_and_folders_stay_behind(tmp_path):
    files(tmp_path / "trip", "1.jpg", ".DS_Store", ".cache/2.jpg", "a/.b/3.jpg")
    assert [item.key for item in plan([tmp_path / "trip"], "")] == ["trip/1.jpg"]


def test_hidden_folder_that_was_named_is_taken(tmp_path):
    files(tmp_path / ".trip", "1.jpg")
    assert [item.key for item in plan([tmp_path / ".trip"], "")] == [".trip/1.jpg"]


def test_current_folder_has_its_own_name(tmp_path, monkeypatch):
    files(tmp_path / "trip", "1.jpg")
    monkeypatch.chdir(tmp_path / "trip")
    assert [item.key for item in plan([tmp_path / "trip" / "."], "")] == ["trip/1.jpg"]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(NotThereError, match=r"missing\.jpg"):
        plan([tmp_path / "missing.jpg"], "")


@pytest.mark.parametrize(("name", "content_type"), [("a.jpg", "image/jpeg"), ("b", "application/octet-stream")])
def test_small_file_arrives_with_its_type_and_its_version_is_told(cloud, tmp_path, name, content_type):
    files(tmp_path, name)
    sent = []
    version_id = upload(cloud.s3, INGEST, Upload(tmp_path / name, "in/key"), sent.append)
    found = cloud.s3.head_object(Bucket=INGEST, Key="in/key", VersionId=version_id)
    assert found["ContentType"] == content_type
    assert sum(sent) == found["ContentLength"] == len(name)


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file of three parts, of which the last is short."""
    monkeypatch.setattr(uploads, "PART_BYTES", 5 * MIB)
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(5 * MIB) + b"2" * (5 * MIB) + b"the end")
    return Upload(path, "in/large.jpg")


def test_large_file_arrives_whole_and_in_order(cloud, large):
    sent = []
    version_id = upload(cloud.s3, INGEST, large, sent.append)
    found = cloud.s3.get_object(Bucket=INGEST, Key=large.key, VersionId=version_id)
    assert found["ETag"].endswith('-3"')
    assert found["ContentType"] == "image/jpeg"
    assert hashlib.sha256(found["Body"].read()).digest() == hashlib.sha256(large.path.read_bytes()).digest()
    assert sum(sent) == large.path.stat().st_size


def test_interrupted_upload_leaves_nothing_behind(cloud, large, monkeypatch):
    def refuse(**_call):
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "CompleteMultipartUpload")

    monkeypatch.setattr(cloud.s3, "complete_multipart_upload", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        upload(cloud.s3, INGEST, large, lambda _bytes: None)
    assert "Uploads" not in cloud.s3.list_multipart_uploads(Bucket=INGEST)
    assert cloud.keys(INGEST) == []
