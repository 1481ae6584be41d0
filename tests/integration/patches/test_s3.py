"""What Sluice relies on when it reads, copies and removes versions of objects."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

PROC = Path("/proc")
MEBIBYTE = 1024 * 1024
PART_BYTES = 5 * MEBIBYTE
PARTS = (b"a" * PART_BYTES, b"b" * 100)
CHECKSUMS = ("ChecksumCRC32", "ChecksumSHA256")
NO_VERSION = "11111111-1111-1111-1111-111111111111"


@dataclass(frozen=True)
class Bucket:
    """A versioned bucket; the methods are S3's, with the bucket and key filled in."""

    s3: Any
    name: str
    key: str = "in/photo.jpg"

    def __getattr__(self, operation: str) -> Any:
        return lambda **members: getattr(self.s3, operation)(Bucket=self.name, Key=self.key, **members)

    def version(self, version_id: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": self.key, "VersionId": version_id}

    def put(self, body: bytes, **members: Any) -> str:
        return self.put_object(Body=body, **members)["VersionId"]

    def put_multipart(self, **members: Any) -> str:
        upload = {"UploadId": self.create_multipart_upload(**members)["UploadId"]}
        parts = [self.upload_part(**upload, PartNumber=n, Body=body) for n, body in enumerate(PARTS, 1)]
        return self.complete(upload, parts)

    def complete(self, upload: dict[str, str], answers: list[dict[str, Any]]) -> str:
        """Names each part with the ETag and the checksum that it was answered with."""
        told = ("ETag", *CHECKSUMS)
        parts = [
            {"PartNumber": number, **{name: answer[name] for name in told if name in answer}}
            for number, answer in enumerate(answers, 1)
        ]
        return self.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"]

    def tags(self, **version: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.get_object_tagging(**version)["TagSet"]}

    def listed(self) -> dict[str, list[str]]:
        page = self.s3.list_object_versions(Bucket=self.name)
        return {kind: [item["VersionId"] for item in page.get(kind, [])] for kind in ("Versions", "DeleteMarkers")}


def new_bucket(cloud: Any) -> Bucket:
    s3 = cloud.client("s3")
    name = f"b-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Bucket(s3, name)


@pytest.fixture
def source(patched: Any) -> Bucket:
    return new_bucket(patched)


@pytest.fixture
def target(patched: Any) -> Bucket:
    return new_bucket(patched)


def base64_sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def error_of(call: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("newer", [[], [b"newer"]], ids=["current", "displaced"])
@pytest.mark.parametrize(
    ("asked", "content", "content_range"),
    [("bytes=0-1", b"01", "bytes 0-1/10"), ("bytes=7-", b"789", "bytes 7-9/10"), ("bytes=-2", b"89", "bytes 8-9/10")],
)
def test_a_range_of_a_version_is_read(
    stock: Any, source: Bucket, newer: list[bytes], asked: str, content: bytes, content_range: str
) -> None:
    def read(bucket: Bucket) -> Any:
        version = bucket.put(b"0123456789")
        for body in newer:
            bucket.put(body)
        return bucket.get_object(VersionId=version, Range=asked)

    assert read(new_bucket(stock))["Body"].read() == b"0123456789"

    answer = read(source)
    assert answer["Body"].read() == content
    assert answer["ContentRange"] == content_range
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_beyond_the_end_is_invalid(source: Bucket) -> None:
    version = source.put(b"0123456789")
    assert error_of(lambda: source.get_object(VersionId=version, Range="bytes=10-")) == (416, "InvalidRange")


def test_a_version_that_is_not_there(source: Bucket) -> None:
    source.put(b"content")
    assert error_of(lambda: source.get_object(VersionId=NO_VERSION)) == (404, "NoSuchVersion")
    assert error_of(lambda: source.head_object(VersionId=NO_VERSION)) == (404, "404")
    assert error_of(lambda: source.copy_object(CopySource=source.version(NO_VERSION))) == (404, "NoSuchVersion")


def test_a_key_that_is_not_there(source: Bucket) -> None:
    assert error_of(source.get_object) == (404, "NoSuchKey")
    assert error_of(source.head_object) == (404, "404")
    assert error_of(lambda: source.copy_object(CopySource={"Bucket": source.name, "Key": "no"})) == (404, "NoSuchKey")


def test_a_hidden_versions_tags_can_be_read(stock: Any, source: Bucket) -> None:
    def hide(bucket: Bucket) -> str:
        version = bucket.put(b"content", Tagging="stage=raw")
        bucket.delete_object()
        return version

    behind = new_bucket(stock)
    version = hide(behind)
    assert error_of(lambda: behind.tags(VersionId=version)) == (404, "NoSuchKey")

    assert source.tags(VersionId=hide(source)) == {"stage": "raw"}


def test_a_copy_of_a_version_keeps_metadata_and_tags(source: Bucket, target: Bucket) -> None:
    version = source.put(b"old", ContentType="image/jpeg", Metadata={"origin": "camera"}, Tagging="stage=raw")
    source.put(b"newer")
    target.copy_object(CopySource=source.version(version), MetadataDirective="COPY", TaggingDirective="COPY")
    copied = target.get_object()
    assert copied["Body"].read() == b"old"
    assert (copied["ContentType"], copied["Metadata"]) == ("image/jpeg", {"origin": "camera"})
    assert target.tags() == {"stage": "raw"}


def test_a_copy_answers_with_the_checksum_asked_for(stock: Any, source: Bucket) -> None:
    def copy(bucket: Bucket) -> dict[str, Any]:
        version = bucket.version(bucket.put(b"content"))
        return bucket.copy_object(CopySource=version, ChecksumAlgorithm="SHA256")["CopyObjectResult"]

    assert "ChecksumSHA256" not in copy(new_bucket(stock))
    assert copy(source)["ChecksumSHA256"] == base64_sha256(b"content")
    assert source.head_object(ChecksumMode="ENABLED")["ChecksumSHA256"] == base64_sha256(b"content")


def test_a_write_answers_with_its_checksum(stock: Any, source: Bucket) -> None:
    sha256 = {"Body": b"content", "ChecksumAlgorithm": "SHA256"}
    assert "ChecksumSHA256" not in new_bucket(stock).put_object(**sha256)
    assert source.put_object(**sha256)["ChecksumSHA256"] == base64_sha256(b"content")


def test_a_wrong_checksum_is_refused(source: Bucket) -> None:
    wrong = {"Body": b"content", "ChecksumSHA256": base64_sha256(b"other")}
    assert error_of(lambda: source.put_object(**wrong)) == (400, "BadDigest")


def test_a_multipart_object_has_parts_and_the_md5_of_md5s(stock: Any, source: Bucket) -> None:
    behind = new_bucket(stock)
    behind.put_multipart()
    assert "PartsCount" not in behind.head_object(PartNumber=1)

    version = source.put_multipart()
    md5s = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in PARTS)).hexdigest()  # noqa: S324 - S3's ETag
    heads = [source.head_object(PartNumber=number, VersionId=version) for number in (1, 2)]
    assert [(head["ContentLength"], head["PartsCount"]) for head in heads] == [(PART_BYTES, 2), (100, 2)]
    assert {head["ETag"] for head in heads} == {f'"{md5s}-2"'}


def test_the_copy_of_a_multipart_object_is_one_whole(stock: Any, source: Bucket) -> None:
    def copy(bucket: Bucket) -> dict[str, Any]:
        version = bucket.version(bucket.put_multipart())
        bucket.copy_object(CopySource=version, ChecksumAlgorithm="SHA256")
        return bucket.head_object(ChecksumMode="ENABLED")

    assert copy(new_bucket(stock))["ETag"].endswith('-2"')

    whole = b"".join(PARTS)
    copied = copy(source)
    assert copied["ETag"] == f'"{hashlib.md5(whole).hexdigest()}"'  # noqa: S324 - S3's ETag
    assert copied["ChecksumSHA256"] == base64_sha256(whole)


def test_parts_copied_from_a_version_by_range(stock: Any, source: Bucket, target: Bucket) -> None:
    def copy(bucket: Bucket, version: dict[str, str]) -> list[dict[str, Any]]:
        upload = {"UploadId": bucket.create_multipart_upload(ChecksumAlgorithm="SHA256")["UploadId"]}
        results = [
            bucket.upload_part_copy(**upload, PartNumber=number, CopySource=version, CopySourceRange=span)
            for number, span in enumerate([f"bytes=0-{PART_BYTES - 1}", f"bytes={PART_BYTES}-{PART_BYTES + 99}"], 1)
        ]
        parts = [result["CopyPartResult"] for result in results]
        bucket.complete(upload, parts)
        return parts

    behind = new_bucket(stock)
    assert "ChecksumSHA256" not in copy(behind, behind.version(behind.put_multipart()))[0]

    version = source.version(source.put_multipart())
    source.put(b"newer")
    assert [part["ChecksumSHA256"] for part in copy(target, version)] == [base64_sha256(part) for part in PARTS]
    digests = b"".join(hashlib.sha256(part).digest() for part in PARTS)
    assert target.head_object(ChecksumMode="ENABLED")["ChecksumSHA256"] == f"{base64_sha256(digests)}-2"
    assert target.get_object()["Body"].read() == b"".join(PARTS)


def test_a_multipart_uploads_tags_are_the_objects(stock: Any, source: Bucket) -> None:
    behind = new_bucket(stock)
    behind.put_multipart(Tagging="stage=raw")
    assert behind.tags() == {}

    source.put_multipart(Tagging="stage=raw")
    assert source.tags() == {"stage": "raw"}


def test_objects_are_encrypted_unless_told_otherwise(stock: Any, source: Bucket) -> None:
    behind = new_bucket(stock)
    behind.put(b"content")
    assert "ServerSideEncryption" not in behind.head_object()

    source.put(b"content")
    assert source.head_object()["ServerSideEncryption"] == "AES256"


def test_kms_without_a_key_means_the_accounts_own_key(stock: Any, source: Bucket) -> None:
    behind = new_bucket(stock)
    with pytest.raises(ClientError, match="requires a key id"):
        behind.put(b"content", ServerSideEncryption="aws:kms")

    source.put(b"content", ServerSideEncryption="aws:kms")
    assert source.head_object()["ServerSideEncryption"] == "aws:kms"


def test_deleting_a_version_leaves_no_delete_marker(source: Bucket) -> None:
    first, second = source.put(b"one"), source.put(b"two")
    source.delete_object(VersionId=second)
    assert source.listed() == {"Versions": [first], "DeleteMarkers": []}
    assert source.get_object()["Body"].read() == b"one"
    source.delete_object(VersionId=first)
    assert source.listed() == {"Versions": [], "DeleteMarkers": []}


def test_a_delete_without_version_hides_the_object_and_loses_nothing(source: Bucket) -> None:
    version = source.put(b"content")
    marker = source.delete_object()["VersionId"]
    assert source.listed() == {"Versions": [version], "DeleteMarkers": [marker]}
    assert error_of(source.get_object) == (404, "NoSuchKey")
    assert source.get_object(VersionId=version)["Body"].read() == b"content"


@pytest.mark.skipif(not PROC.exists(), reason="measures memory in /proc")
def test_a_version_leaves_the_servers_memory_once_it_is_on_disk(stock: Any, patched: Any) -> None:
    def growth(cloud: Any) -> int:
        bucket, before = new_bucket(cloud), resident_bytes(cloud)
        for count in range(8):
            bucket.put(bytes([count]) * 16 * MEBIBYTE)
        return resident_bytes(cloud) - before

    assert growth(stock) > 120 * MEBIBYTE
    assert growth(patched) < 80 * MEBIBYTE


def resident_bytes(cloud: Any) -> int:
    return int((PROC / str(cloud.emulator.pid()) / "statm").read_text().split()[1]) * 4096
