"""S3's objects, uploads in parts, conditions and checksums, as AWS was recorded to answer."""

import base64
import hashlib
import uuid
import zlib
from typing import Any

import pytest

from tests.conformance.facts import Fact, code, refusal, told
from tests.integration.patches.conftest import Cloud

PART = b"a" * (5 * 1024 * 1024)
LAST = b"b"
FAILED = ("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
CONFLICT = (
    "ConditionalRequestConflict",
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
)
NOT_THERE = ("NoSuchKey", "The specified key does not exist.")


class Bucket:
    """A new bucket with one key in use; calls are S3's, with bucket and key filled in."""

    def __init__(self, cloud: Cloud, versioning: str = "", key: str = "key") -> None:
        self.s3, self.name, self.key = cloud.client("s3"), f"b-{uuid.uuid4().hex}", key
        self.s3.create_bucket(Bucket=self.name)
        if versioning:
            self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": versioning})

    def __getattr__(self, operation: str) -> Any:
        return lambda **members: getattr(self.s3, operation)(**{"Bucket": self.name, "Key": self.key, **members})

    def begin(self, **members: Any) -> "Upload":
        return Upload(self, self.create_multipart_upload(**members))


class Upload:
    def __init__(self, bucket: Bucket, begun: dict[str, Any]) -> None:
        self.bucket, self.begun, self.parts = bucket, begun, list[dict[str, Any]]()

    def part(self, body: bytes, number: int = 1, **members: Any) -> "Upload":
        answer = self.bucket.upload_part(UploadId=self.begun["UploadId"], PartNumber=number, Body=body, **members)
        told = {name: answer[name] for name in answer if name == "ETag" or name.startswith("Checksum")}
        self.parts.append({"PartNumber": number, **told})
        return self

    def complete(self, **members: Any) -> dict[str, Any]:
        given = {"MultipartUpload": {"Parts": self.parts}, **members}
        return self.bucket.complete_multipart_upload(UploadId=self.begun["UploadId"], **given)

    def refused(self, **members: Any) -> tuple[str, str]:
        return refusal(self.complete, **members)


def copies_on_condition(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    etag = bucket.put_object(Body=b"old")["ETag"]
    bucket.put_object(Key="source", Body=b"new")
    source = {"CopySource": {"Bucket": bucket.name, "Key": "source"}}
    return (
        refusal(bucket.copy_object, **source, IfNoneMatch="*"),
        refusal(bucket.copy_object, **source, IfMatch='"0"'),
        refusal(bucket.copy_object, **source, Key="nothing", IfMatch=etag),
        code(bucket.copy_object, **source, IfMatch=etag),
        code(bucket.copy_object, **source, Key="other", IfNoneMatch="*"),
    )


def uploads_over_what_changed(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    etag = bucket.put_object(Body=b"old")["ETag"]
    one, other = bucket.begin().part(LAST), bucket.begin().part(LAST)
    there = one.refused(IfNoneMatch="*")
    bucket.delete_object()
    deleted = one.refused(IfNoneMatch="*"), other.refused(IfMatch=etag)
    bucket.put_object(Body=b"old")
    written = other.refused(IfMatch=etag)
    again = bucket.begin().part(LAST)
    return there, deleted, written, code(again.complete, IfMatch=etag)


def parts_that_are_none(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    none, small, order = bucket.begin(), bucket.begin(), bucket.begin()
    small.part(b"tiny", 1).part(b"tiny", 2)
    order.part(PART, 2).part(PART, 1)
    refused = [none.part(LAST).refused(MultipartUpload={"Parts": []}), small.refused(), order.refused()]
    order.parts.reverse()
    return refused, code(order.complete)


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def checksums_of_parts(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    whole = bucket.begin(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT").part(PART, 1).part(LAST, 2).complete()
    parts = bucket.begin(ChecksumAlgorithm="CRC32").part(PART, 1).part(LAST, 2).complete()
    default = bucket.begin().part(LAST).complete()
    told = [(answer["ChecksumType"], answer.get("ChecksumCRC32")) for answer in (whole, parts)]
    head = bucket.head_object(ChecksumMode="ENABLED")
    names = ("ChecksumType", "ChecksumCRC64NVME")
    return told, [default[name] for name in names], [head[name] for name in names]


def checksum_types(cloud: Cloud) -> Any:
    create = Bucket(cloud).create_multipart_upload
    defaults = [create(ChecksumAlgorithm=name)["ChecksumType"] for name in ("CRC32", "SHA256", "CRC64NVME")]
    return defaults, [
        refusal(create, ChecksumType="COMPOSITE"),
        refusal(create, ChecksumType="COMPOSITE", ChecksumAlgorithm="CRC64NVME"),
        refusal(create, ChecksumType="FULL_OBJECT", ChecksumAlgorithm="SHA1"),
    ]


def parts_without_their_checksum(cloud: Cloud) -> Any:
    upload = Bucket(cloud).begin(ChecksumAlgorithm="CRC32").part(LAST)
    other = refusal(upload.part, body=LAST, number=2, ChecksumAlgorithm="SHA256")
    mode = upload.refused(ChecksumType="FULL_OBJECT")
    for part in upload.parts:
        del part["ChecksumCRC32"]
    return other, mode, upload.refused()


def copy_of_parts(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    bucket.begin(ChecksumAlgorithm="CRC32").part(PART, 1).part(LAST, 2).complete()
    copied = bucket.copy_object(Key="copy", CopySource={"Bucket": bucket.name, "Key": bucket.key})["CopyObjectResult"]
    return [copied[name] for name in ("ETag", "ChecksumType", "ChecksumCRC32")]


def tags_after_an_overwrite(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    bucket.put_object(Body=b"a", Tagging="x=1")
    counted = bucket.head_object().get("TagCount")
    bucket.put_object(Body=b"b")
    after = bucket.get_object_tagging()["TagSet"]
    bucket.put_object(Body=b"a", Tagging="x=1")
    bucket.begin().part(LAST).complete()
    return counted, after, bucket.get_object_tagging()["TagSet"], bucket.head_object().get("TagCount")


def ranges(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    bucket.put_object(Body=b"0123456789")

    def read(asked: str) -> Any:
        answer = bucket.get_object(Range=f"bytes={asked}")
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()

    satisfied = {asked: read(asked) for asked in RANGES}
    return satisfied, {refusal(bucket.get_object, Range=f"bytes={asked}") for asked in ("-0", "100-200")}


def content_types(cloud: Cloud) -> Any:
    bucket = Bucket(cloud)
    bucket.put_object(Body=b"a")
    put = bucket.head_object()["ContentType"]
    bucket.begin().part(LAST).complete()
    completed = bucket.head_object()["ContentType"]
    bucket.put_object(Key="typed", Body=b"a", ContentType="image/png")
    replaced = {"CopySource": {"Bucket": bucket.name, "Key": "typed"}, "MetadataDirective": "REPLACE"}
    bucket.copy_object(**replaced)
    return put, completed, bucket.head_object()["ContentType"], bucket.head_object(Key="typed")["ContentType"]


def versions(cloud: Cloud) -> Any:
    bucket = Bucket(cloud, "Enabled")
    version = bucket.put_object(Body=b"a")["VersionId"]
    wrong = version[:-4] + ("ABCD" if version[-4:] != "ABCD" else "DCBA")
    refused = refusal(bucket.delete_object, VersionId=wrong), refusal(bucket.get_object, VersionId=wrong)
    removed = [code(bucket.delete_object, VersionId=version) for _ in range(2)]
    return len(version), refused, removed, code(bucket.get_object, VersionId=version)


def bad_digests(cloud: Cloud) -> Any:
    put = Bucket(cloud).put_object
    return refusal(put, Body=b"a", ChecksumCRC32="no"), refusal(put, Body=b"a", ChecksumCRC32=crc32(b"b"))


ALL = b"0123456789"
RANGES = {
    "0-8": (206, ALL[:9]),
    "1-1": (206, b"1"),
    "1-": (206, ALL[1:]),
    "-2": (206, b"89"),
    "-15": (206, ALL),
    "0-100": (206, ALL),
    **dict.fromkeys(("1-0", "-1-", "0--1", "0-1,3-4", "x", "-"), (200, ALL)),
}
TYPE_ALONE = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
COMPOSITE = crc32(b"".join(base64.b64decode(crc32(part)) for part in (PART, LAST)))
WHOLE_MD5 = hashlib.md5(PART + LAST, usedforsecurity=False).hexdigest()
CRC64NVME_OF_B = "DZyVHeSVZ7c="

FACTS: dict[str, Fact] = {
    # s3/test_s3_api::test_copy_object_if_none_match, test_copy_object_if_match, 21-02-2026
    "copies on condition": Fact(copies_on_condition, (FAILED, FAILED, NOT_THERE, None, None)),
    # s3/test_s3_api::test_multipart_if_none_match_with_delete, test_multipart_if_match_with_delete, 21-02-2026
    "uploads over what changed": Fact(uploads_over_what_changed, (FAILED, (CONFLICT, NOT_THERE), CONFLICT, None)),
    # s3/test_s3::test_multipart_complete_multipart_too_small, test_complete_multipart_parts_order, 21-02-2026
    "parts that are none": Fact(
        parts_that_are_none,
        (
            [
                ("InvalidRequest", "You must specify at least one part"),
                ("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"),
                (
                    "InvalidPartOrder",
                    "The list of parts was not in ascending order. Parts must be ordered by part number.",
                ),
            ],
            None,
        ),
    ),
    # s3/test_s3::test_complete_multipart_parts_checksum_*, 21-02-2026
    "checksums of parts": Fact(
        checksums_of_parts,
        (
            [("FULL_OBJECT", crc32(PART + LAST)), ("COMPOSITE", f"{COMPOSITE}-2")],
            ["FULL_OBJECT", CRC64NVME_OF_B],
            ["FULL_OBJECT", CRC64NVME_OF_B],
        ),
    ),
    # s3/test_s3::test_multipart_checksum_type_*, 21-02-2026
    "checksum types": Fact(
        checksum_types,
        (
            ["COMPOSITE", "COMPOSITE", "FULL_OBJECT"],
            [
                ("InvalidRequest", TYPE_ALONE),
                (
                    "InvalidRequest",
                    "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
                ),
                ("InvalidRequest", "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm."),
            ],
        ),
    ),
    # s3/test_s3::test_multipart_parts_checksum_exceptions_composite, 21-02-2026
    "parts without their checksum": Fact(
        parts_without_their_checksum,
        (
            (
                "InvalidRequest",
                "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha256",
            ),
            (
                "InvalidRequest",
                (
                    "The upload was created using the COMPOSITE checksum mode. "
                    "The complete request must use the same checksum mode."
                ),
            ),
            (
                "InvalidRequest",
                (
                    "The upload was created using a crc32 checksum. The complete request must include the checksum "
                    "for each part. It was missing for part 1 in the request."
                ),
            ),
        ),
    ),
    # s3/test_s3::test_complete_multipart_parts_checksum_composite[CRC32], 21-02-2026
    "a copy is one piece": Fact(copy_of_parts, [f'"{WHOLE_MD5}"', "FULL_OBJECT", crc32(PART + LAST)]),
    # s3/test_s3_api::test_object_tags_delete_or_overwrite_object, test_head_object_with_tags, 23-02-2026
    "tags after an overwrite": Fact(tags_after_an_overwrite, (1, [], [], None)),
    # s3/test_s3_api::test_get_object_range, 21-02-2026
    "ranges": Fact(ranges, (RANGES, {("InvalidRange", "The requested range is not satisfiable")})),
    # s3/test_s3_api, throughout, and s3/test_s3::test_s3_copy_object_in_place_metadata_directive, 21-02-2026
    "content types": Fact(content_types, (*["binary/octet-stream"] * 3, "image/png")),
    # s3/test_s3_api::test_delete_object_versioned, test_get_object_with_version_unversioned_bucket, 21-02-2026
    "versions": Fact(
        versions,
        (32, (("InvalidArgument", "Invalid version id specified"),) * 2, [None, None], "NoSuchVersion"),
    ),
    # s3/test_s3::test_put_object_checksum, 21-02-2026
    "bad digests": Fact(
        bad_digests,
        (
            ("InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
            ("BadDigest", "The CRC32 you specified did not match the calculated checksum."),
        ),
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_an_object_is_as_on_aws(cloud: Cloud, name: str) -> None:
    assert FACTS[name].ask(cloud) == FACTS[name].answer


@pytest.mark.parametrize("name", FACTS)
def test_stock_needs_its_patch(stock: Cloud, name: str) -> None:
    assert told(FACTS[name], stock) is FACTS[name].stock
