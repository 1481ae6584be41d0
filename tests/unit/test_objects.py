"""Reads are pinned and checked, and a move never leaves an original without a proven copy."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tasks.shared.move import moved
from tasks.shared.naming import original_key
from tasks.shared.objects import ObjectFacts, Objects, is_same
from tests.unit.cloud import ARCHIVE, INGEST, OUTPUT, Cloud
from workflow.errors import CopyNotVerified, ObjectNotFound, TransientError
from workflow.shapes import Pointer
from workflow.units import MIB

DATA = b"an original"
ASSET = "0123456789abcdef0123456789abcdef"
COPY = Pointer(bucket=ARCHIVE, key=f"photos/{ASSET}/cat.jpg", storage_class="STANDARD_IA")
ABSENT_VERSION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def objects(cloud: Cloud) -> Objects:
    return Objects(cloud.s3)


@pytest.fixture
def original(cloud: Cloud) -> Pointer:
    return cloud.upload("photos/cat.jpg", DATA, ContentType="image/jpeg", Metadata={"by": "Ada"}, Tagging="album=x%20y")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def answering(cloud: Cloud, status: int) -> Iterator[None]:
    """S3 answers the next HEAD with a bare status: HEAD has no body that could name an error."""
    with Stubber(cloud.s3) as s3:
        s3.add_client_error("head_object", str(status), http_status_code=status)
        yield


def facts(**changes: object) -> ObjectFacts:
    known = {
        "at": COPY,
        "size": 11,
        "etag": "e",
        "last_modified": "",
        "content_type": "",
        "checksums": {},
        "etag_is_md5": True,
        "restored": False,
        "metadata": {},
    }
    return ObjectFacts(**{**known, **changes})


# reads


@pytest.mark.parametrize(
    "at",
    [
        Pointer(bucket=INGEST, key="missing.jpg"),
        Pointer(bucket=INGEST, key="photos/cat.jpg", version_id=ABSENT_VERSION),
    ],
)
def test_missing_object_or_version_has_no_facts(objects, original, at):
    assert objects.head(at) is None


def test_malformed_version_names_no_object(cloud, objects):
    with answering(cloud, 400):
        assert objects.head(Pointer(bucket=INGEST, key="a", version_id="malformed")) is None


@pytest.mark.parametrize(("status", "version"), [(403, "v1"), (400, None), (500, "v1")])
def test_other_refusals_are_not_taken_for_a_missing_object(cloud, objects, status, version):
    with answering(cloud, status), pytest.raises(ClientError):
        objects.head(Pointer(bucket=INGEST, key="a", version_id=version))


def test_head_names_the_version_that_is_the_newest(cloud, objects, original):
    newer = cloud.upload("photos/cat.jpg", b"newer")
    assert objects.head(Pointer(bucket=INGEST, key="photos/cat.jpg")).at == newer


def test_reads_stay_with_their_version(cloud, objects, original, tmp_path):
    cloud.upload("photos/cat.jpg", b"overwritten by a newer version")
    assert objects.read(original) == DATA
    assert objects.read_range(original, 3, 8) == DATA[3:8]
    assert objects.download(original, tmp_path / "original", len(DATA)) == sha256(DATA)
    assert (tmp_path / "original").read_bytes() == DATA


def test_a_range_may_begin_before_and_end_after_the_object(objects, original):
    assert objects.read_range(original, 0, 65536) == DATA


def test_short_read_is_worth_another_attempt(objects, original, tmp_path):
    with pytest.raises(TransientError, match=r"Read 11 bytes of s3://sluice-ingest/photos/cat\.jpg, expected 12"):
        objects.download(original, tmp_path / "original", len(DATA) + 1)


def test_written_object_carries_its_checksum_and_cache_control(cloud, objects):
    expected = {
        "Bucket": OUTPUT,
        "Key": "a.webp",
        "Body": DATA,
        "ContentType": "image/webp",
        "CacheControl": "max-age=1",
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(DATA).digest()).decode(),
    }
    with Stubber(cloud.s3) as s3:
        s3.add_response("put_object", {}, expected)
        assert objects.put(OUTPUT, "a.webp", DATA, "image/webp", cache_control="max-age=1") == sha256(DATA)
        s3.assert_no_pending_responses()


# copies


def test_copy_keeps_bytes_metadata_type_and_tags(cloud, objects, original):
    copy = objects.copy_verified(objects.head(original), COPY, sha256(DATA))
    found = cloud.s3.head_object(Bucket=ARCHIVE, Key=COPY.key)
    tags = cloud.s3.get_object_tagging(Bucket=ARCHIVE, Key=COPY.key)["TagSet"]
    assert cloud.read(ARCHIVE, COPY.key) == DATA
    assert (found["ContentType"], found["Metadata"], found["StorageClass"]) == (
        "image/jpeg",
        {"by": "Ada"},
        "STANDARD_IA",
    )
    assert tags == [{"Key": "album", "Value": "x y"}]
    assert copy.at.version_id == found["VersionId"]


@pytest.mark.parametrize("algorithm", ["SHA256", "CRC32", "SHA1"])
def test_copy_of_unknown_content_is_proven_by_the_checksum_of_its_upload(cloud, objects, algorithm):
    at = cloud.upload("a.bin", DATA, ChecksumAlgorithm=algorithm)
    copy = objects.copy_verified(objects.head(at), COPY, None)
    assert copy.checksums == objects.head(at).checksums
    assert algorithm in copy.checksums


def test_earlier_copy_is_taken_and_not_made_again(objects, original):
    first = objects.copy_verified(objects.head(original), COPY, sha256(DATA))
    assert objects.copy_verified(objects.head(original), COPY, sha256(DATA)) == first


@pytest.mark.parametrize("damaged", [b"an 0riginal", b"an orig", b""])
def test_damaged_earlier_copy_is_replaced(cloud, objects, original, damaged):
    cloud.s3.put_object(Bucket=ARCHIVE, Key=COPY.key, Body=damaged, ChecksumAlgorithm="SHA256")
    objects.copy_verified(objects.head(original), COPY, sha256(DATA))
    assert cloud.read(ARCHIVE, COPY.key) == DATA


def corrupt_copies(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *, data: bytes) -> None:
    """From now on S3 damages what it copies."""

    def copy_object(**call):
        target = {name: call[name] for name in ("Bucket", "Key", "StorageClass")}
        return cloud.s3.put_object(**target, Body=data, ChecksumAlgorithm="SHA256")

    monkeypatch.setattr(cloud.s3, "copy_object", copy_object)


@pytest.mark.parametrize("known", [sha256(DATA), None])
@pytest.mark.parametrize("damaged", [b"an 0riginal", b"an orig"])
def test_damaged_copy_is_refused_and_the_original_stays(cloud, objects, original, monkeypatch, damaged, known):
    corrupt_copies(cloud, monkeypatch, data=damaged)
    with pytest.raises(CopyNotVerified, match=r"stays where it is; redrive"), move(objects, original, known):
        pytest.fail("An unproven copy was handed out.")
    assert objects.read(original) == DATA


def test_only_a_named_version_is_copied_or_deleted(objects, original):
    unnamed = Pointer(bucket=INGEST, key="photos/cat.jpg")
    with pytest.raises(ValueError, match="named version"):
        objects.delete_version(unnamed)
    with pytest.raises(ValueError, match="named version"):
        objects.copy_verified(facts(at=unnamed), COPY, None)
    assert objects.read(original) == DATA


# what proves that two objects are the same


@pytest.mark.parametrize(
    ("source", "copy", "same"),
    [
        ({"size": 11}, {"size": 12}, False),
        ({"checksums": {"CRC32": "x"}}, {"checksums": {"CRC32": "x"}, "etag": "other"}, True),
        ({"checksums": {"CRC32": "x"}}, {"checksums": {"CRC32": "y"}}, False),
        ({"checksums": {"CRC32": "x", "SHA1": "s"}}, {"checksums": {"CRC32": "x", "SHA1": "t"}}, False),
        ({"checksums": {"CRC32": "x"}}, {"checksums": {"SHA1": "s"}}, True),
        ({"etag": "a"}, {"etag": "b"}, False),
        ({"etag": "a-2"}, {"etag": "b-2"}, False),
        ({"etag_is_md5": False}, {"etag_is_md5": False}, None),
        ({"etag": "a-2"}, {"etag": "b"}, None),
        ({"checksums": {"CRC32": "x-2"}, "etag_is_md5": False}, {"checksums": {"CRC32": "y"}}, None),
    ],
)
def test_without_sha256_the_best_shared_proof_decides(source, copy, same):
    assert is_same(facts(**source), facts(**copy), None) is same


@pytest.mark.parametrize("digest", [sha256(DATA), sha256(b"other")])
def test_sha256_decides_where_the_copy_has_one(digest):
    whole = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    assert is_same(facts(etag="a"), facts(etag="b", checksums={"SHA256": whole}), digest) is (digest == sha256(DATA))


def test_sha256_of_parts_is_not_taken_for_that_of_the_whole():
    composite = {"SHA256": base64.b64encode(hashlib.sha256(DATA).digest()).decode() + "-2"}
    assert not is_same(facts(etag="a"), facts(etag="b", checksums=composite), sha256(DATA))


# copies in parts


@pytest.fixture
def in_parts(cloud: Cloud) -> Pointer:
    """An original of two unequal parts."""
    return uploaded_in_parts(cloud)


def uploaded_in_parts(cloud: Cloud, **options: str) -> Pointer:
    address = {"Bucket": INGEST, "Key": "photos/cat.jpg"}
    upload = cloud.s3.create_multipart_upload(
        **address, ContentType="image/jpeg", Metadata={"by": "Ada"}, Tagging="a=b", **options
    )
    bodies = [b"1" * (6 * MIB), b"2" * 7]
    parts = [
        {
            "PartNumber": number,
            "ETag": cloud.s3.upload_part(**address, UploadId=upload["UploadId"], PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, start=1)
    ]
    done = cloud.s3.complete_multipart_upload(**address, UploadId=upload["UploadId"], MultipartUpload={"Parts": parts})
    return Pointer(bucket=INGEST, key="photos/cat.jpg", version_id=done["VersionId"])


def test_large_original_is_copied_along_its_own_parts(cloud, in_parts):
    objects = Objects(cloud.s3, copy_object_max_bytes=5 * MIB)
    copy = objects.copy_verified(objects.head(in_parts), COPY, None)
    found = cloud.s3.head_object(Bucket=ARCHIVE, Key=COPY.key)
    assert copy.etag == objects.head(in_parts).etag
    assert copy.etag.endswith("-2")
    assert (found["ContentType"], found["Metadata"], found["StorageClass"]) == (
        "image/jpeg",
        {"by": "Ada"},
        "STANDARD_IA",
    )
    assert cloud.s3.get_object_tagging(Bucket=ARCHIVE, Key=COPY.key)["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("known", [sha256(b"1" * (6 * MIB) + b"2" * 7), None])
@pytest.mark.parametrize("at_most", [5 * MIB, 5000 * MIB])
def test_copy_of_parts_under_a_key_is_proven_by_its_bytes(cloud, known, at_most):
    """Nothing that S3 tells of both says that they are the same, nor that they are not."""
    objects = Objects(cloud.s3, copy_object_max_bytes=at_most)
    source = objects.head(uploaded_in_parts(cloud, ServerSideEncryption="aws:kms"))
    assert (source.etag_is_md5, source.checksums) == (False, {})
    copy = objects.copy_verified(source, COPY, known)
    assert objects.read(copy.at) == objects.read(source.at)


def test_copy_of_parts_under_a_key_with_other_bytes_is_refused(cloud, monkeypatch):
    objects = Objects(cloud.s3)
    source = objects.head(uploaded_in_parts(cloud, ServerSideEncryption="aws:kms"))
    damaged = b"3" * source.size
    monkeypatch.setattr(objects, "_copy", lambda *_: cloud.s3.put_object(Bucket=ARCHIVE, Key=COPY.key, Body=damaged))
    with pytest.raises(CopyNotVerified, match=r"stays where it is"):
        objects.copy_verified(source, COPY, None)


def test_failed_copy_in_parts_leaves_no_upload_behind(cloud, in_parts, monkeypatch):
    def refuse(**_call):
        raise ClientError({"Error": {"Code": "SlowDown"}}, "UploadPartCopy")

    monkeypatch.setattr(cloud.s3, "upload_part_copy", refuse)
    objects = Objects(cloud.s3, copy_object_max_bytes=5 * MIB)
    with pytest.raises(ClientError, match="SlowDown"):
        objects.copy_verified(objects.head(in_parts), COPY, None)
    assert "Uploads" not in cloud.s3.list_multipart_uploads(Bucket=ARCHIVE)


def test_original_in_parts_of_known_content_is_copied_in_one_request(cloud, objects, in_parts):
    digest = sha256(b"1" * (6 * MIB) + b"2" * 7)
    copy = objects.copy_verified(objects.head(in_parts), COPY, digest)
    assert not copy.in_parts
    assert base64.b64decode(copy.checksums["SHA256"]).hex() == digest


# moves


def move(objects: Objects, source: Pointer, digest: str | None = None):
    return moved(
        source,
        bucket=ARCHIVE,
        storage_class="STANDARD",
        key="photos/cat.jpg",
        asset_id=ASSET,
        sha256=digest,
        objects=objects,
    )


def test_original_is_removed_only_after_its_copy_was_written_down(cloud, objects, original):
    with move(objects, original) as copy:
        assert objects.read(original) == DATA
        assert objects.read(copy) == DATA
    assert copy.key == original_key("photos/cat.jpg", ASSET)
    assert objects.head(original) is None


def test_original_stays_where_its_copy_could_not_be_written_down(objects, original):
    with pytest.raises(RuntimeError, match="no table"), move(objects, original):
        raise RuntimeError("no table")
    assert objects.read(original) == DATA


def test_newer_version_of_the_key_stays_when_an_older_one_moves(cloud, objects, original):
    newer = cloud.upload("photos/cat.jpg", b"newer")
    with move(objects, original):
        pass
    assert objects.read(newer) == b"newer"


def test_finished_move_is_found_finished(objects, original):
    with move(objects, original) as first:
        pass
    with move(objects, original) as second:
        assert second == first


def test_original_that_somebody_removed_is_missed(cloud, objects, original):
    objects.delete_version(original)
    with pytest.raises(ObjectNotFound, match="Somebody else removed it"), move(objects, original):
        pytest.fail("There was nothing to move.")
