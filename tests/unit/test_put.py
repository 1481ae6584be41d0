"""A second run of the same files sends what is missing, and makes no new version of what is there."""

import json
import os
import sys
import threading

import pytest
from botocore.exceptions import ClientError

from tests.unit.cloud import INGEST
from tests.unit.images import sample
from workflow.operator.cli import put as command
from workflow.operator.cli.options import Printer
from workflow.operator.operations.put import put_missing
from workflow.operator.operations.quarantine import discard
from workflow.operator.uploads import Upload


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "cat.jpg"
    path.write_bytes(sample("JPEG"))
    return Upload(path, "in/cat.jpg")


@pytest.fixture
def put(sluice):
    def run(*items, **options):
        done = {each.item: each for each in put_missing(sluice, items, abs, **options)}
        return [done[each] for each in items]

    return run


def process(machine, found):
    at = {"bucket": INGEST, "key": found.uploaded.item.key, "version_id": found.uploaded.version_id}
    return machine.run({**at, "trigger": "upload"})


def uploads(cloud):
    found = cloud.s3.list_object_versions(Bucket=INGEST)
    return [each["VersionId"] for each in found.get("Versions", [])]


def test_what_waits_is_not_uploaded_again(cloud, put, picture):
    (first,), (second,) = put(picture), put(picture)
    assert (first.how, second.how) == ("uploaded", "there")
    assert second.uploaded == first.uploaded
    assert uploads(cloud) == [first.uploaded.version_id]


@pytest.mark.parametrize("data", [sample("JPEG"), b"no picture"], ids=["archived", "rejected"])
def test_what_was_moved_away_is_not_uploaded_again(cloud, put, machine, picture, data):
    picture.path.write_bytes(data)
    (first,) = put(picture)
    process(machine, first)
    assert uploads(cloud) == []
    (second,) = put(picture)
    assert (second.how, second.uploaded) == ("there", first.uploaded)


def test_other_bytes_of_the_same_size_are_a_new_version(put, machine, picture):
    (first,) = put(picture)
    process(machine, first)
    data = bytearray(sample("JPEG"))
    data[-3] ^= 1
    picture.path.write_bytes(data)
    (second,) = put(picture)
    assert second.how == "uploaded"
    picture.path.write_bytes(sample("JPEG"))
    (third,) = put(picture)  # it is not the newest any more
    assert third.how == "uploaded"


def test_new_version_is_made_where_that_is_said(put, picture):
    (first,), (second,) = put(picture), put(picture, force=True)
    assert second.how == "uploaded"
    assert second.uploaded.version_id != first.uploaded.version_id


def test_what_was_discarded_is_uploaded_again(sluice, put, machine, picture):
    picture.path.write_bytes(b"no picture")
    (first,) = put(picture)
    process(machine, first)
    discard(sluice, sluice.records.assets.get(first.uploaded.asset_id), by="ada", why="spam")
    assert put(picture)[0].how == "uploaded"


def test_file_that_cannot_be_uploaded_keeps_no_other_from_it(sluice, put, picture, tmp_path, monkeypatch):
    refused = tmp_path / "refused.jpg"
    refused.write_bytes(b"x")
    direct = sluice.aws.s3.put_object

    def refuse(**call):
        if call["Key"] == "refused":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
        return direct(**call)

    monkeypatch.setattr(sluice.aws.s3, "put_object", refuse)
    gone, denied, well = put(Upload(tmp_path / "gone.jpg", "gone"), Upload(refused, "refused"), picture)
    assert (gone.how, denied.how, well.how) == ("failed", "failed", "uploaded")
    assert "No such file" in gone.problem
    assert "AccessDenied" in denied.problem


def test_who_stops_listening_waits_for_nothing_under_way(sluice, picture, tmp_path, monkeypatch):
    stuck, release = tmp_path / "stuck.jpg", threading.Event()
    stuck.write_bytes(b"x")
    direct = sluice.aws.s3.put_object

    def send(**call):
        if call["Key"] == "stuck":
            release.wait()
        return direct(**call)

    monkeypatch.setattr(sluice.aws.s3, "put_object", send)
    try:
        uploading = put_missing(sluice, [Upload(stuck, "stuck"), picture], abs)
        assert next(uploading).item == picture
        uploading.close()
    finally:
        release.set()


def test_interrupted_upload_tells_what_is_there(sluice, picture, tmp_path, monkeypatch, capsys):
    later = tmp_path / "dog.jpg"
    later.write_bytes(sample("JPEG"))

    def interrupted(sluice, items, *how, **options):
        yield next(put_missing(sluice, items[:1], *how, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "put_missing", interrupted)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as ended:
        command.put_command(sluice, Printer(json=True), [picture.path, later])
    assert ended.value.code == command.INTERRUPTED
    shown = capsys.readouterr()
    (there,) = json.loads(shown.out)
    assert (there["key"], there["how"]) == ("cat.jpg", "uploaded")
    assert "1 of 2 files are known to be there. The same command again sends what is missing." in shown.err
