"""Files and folders keep their order and names on the way into the ingest bucket, and large ones arrive whole."""

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tasks.shared.objects import Objects
from tests.unit.cloud import INGEST
from workflow.operator import uploads
from workflow.operator.stack import NotThereError
from workflow.operator.uploads import Upload, digests, plan, upload
from workflow.shapes import Pointer
from workflow.units import MIB


def files(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def items(paths, prefix):
    return plan(paths, prefix).items


def test_files_keep_the_order_in_which_they_were_named(tmp_path):
    files(tmp_path, "b.jpg", "a.jpg")
    planned = items([tmp_path / "b.jpg", tmp_path / "a.jpg"], "in/")
    assert [item.key for item in planned] == ["in/b.jpg", "in/a.jpg"]


def test_folder_keeps_its_name_and_structure(tmp_path):
    files(tmp_path / "trip", "2.jpg", "1.jpg", "day 1/a/ü.jpg")
    assert [item.key for item in items([tmp_path / "trip"], "")] == ["trip/1.jpg", "trip/2.jpg", "trip/day 1/a/ü.jpg"]


def test_hidden_files_and_folders_stay_behind(tmp_path):
    files(tmp_path / "trip", "1.jpg", ".DS_Store", ".cache/2.jpg", "a/.b/3.jpg")
    assert [item.key for item in items([tmp_path / "trip"], "")] == ["trip/1.jpg"]


def left_out(folder):
    found = plan([folder], "").left_out
    return {each.path.name.encode("utf-8", "surrogateescape"): (each.why, each.wanted) for each in found}


def test_what_is_left_out_is_named_with_the_reason(tmp_path):
    folder = tmp_path / "trip"
    files(folder, "1.jpg", ".DS_Store", "a/2.jpg")
    (folder / "broken").symlink_to("nowhere")
    (folder / "link").symlink_to("a")
    os.mkfifo(folder / "fifo")
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    planned = plan([folder], "")
    assert [item.key for item in planned.items] == ["trip/1.jpg", "trip/a/2.jpg"]
    found = left_out(folder)
    assert found[b".DS_Store"] == ("hidden: its name begins with a dot", False)
    assert found[b"broken"] == ("a link to what is not there (nowhere)", False)
    assert found[b"link"] == ("a link to a folder: name it to have that uploaded", False)
    assert found[b"fifo"] == ("a named pipe, which has no end", False)
    why, wanted = found[b"caf\xe9.jpg"]
    assert "not written in UTF-8" in why
    assert wanted
    assert len(found) == len(planned.left_out) == 5


def test_folder_that_may_not_be_read_is_named_and_keeps_no_other_from_it(tmp_path, monkeypatch):
    files(tmp_path / "trip", "a/1.jpg", "b/2.jpg")
    listed = Path.iterdir

    def refuse(path):
        if path.name == "a":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert [item.key for item in items([tmp_path / "trip"], "")] == ["trip/b/2.jpg"]
    assert left_out(tmp_path / "trip") == {b"a": ("cannot be read: Permission denied", True)}


def test_pipe_that_was_named_is_wanted_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (only,) = plan([tmp_path / "fifo"], "").left_out
    assert only.wanted


@pytest.mark.wire
@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 5 * MIB + 1, 10 * MIB])
def test_digests_are_those_that_s3_tells_of_the_upload(cloud, tmp_path, monkeypatch, size):
    monkeypatch.setattr(uploads, "PART_BYTES", 5 * MIB)
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(size))
    upload(cloud.s3, INGEST, Upload(path, "a.bin"), abs)
    found = Objects(cloud.s3).head(Pointer(bucket=INGEST, key="a.bin"))
    assert digests(path).etag == found.etag
    assert digests(path).crc32 == found.checksums["CRC32"].partition("-")[0]
    assert digests(path).fit(found)
    encrypted = replace(found, etag_is_md5=False, etag="of the key")
    assert digests(path).fit(encrypted)
    path.write_bytes(os.urandom(size + 1))
    assert not digests(path).fit(found)
    assert not digests(path).fit(encrypted)


def test_hidden_folder_that_was_named_is_taken(tmp_path):
    files(tmp_path / ".trip", "1.jpg")
    assert [item.key for item in items([tmp_path / ".trip"], "")] == [".trip/1.jpg"]


def test_current_folder_has_its_own_name(tmp_path, monkeypatch):
    files(tmp_path / "trip", "1.jpg")
    monkeypatch.chdir(tmp_path / "trip")
    assert [item.key for item in items([tmp_path / "trip" / "."], "")] == ["trip/1.jpg"]


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
