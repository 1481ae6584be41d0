"""S3 as the tasks need it: ranged reads, whole reads that hash, verified copies. Versions are always pinned."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from tasks.shared.ranges import RangeFile
from workflow.errors import CopyNotVerified, TransientError
from workflow.shapes import Pointer
from workflow.units import GIB, MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

COPY_OBJECT_MAX_BYTES = 5 * GIB
"""CopyObject's documented limit; larger objects are copied in parts."""
CHUNK_BYTES = MIB
PARTS_AT_ONCE = 8

_CHECKSUMS = {name: f"Checksum{name}" for name in ("SHA256", "CRC64NVME", "CRC32C", "CRC32", "SHA1")}
_NOT_THERE = {"404", "405", "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed"}
"""405 is what the version id of a delete marker gets."""
_METADATA_FIELDS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)


@dataclass(frozen=True)
class ObjectFacts:
    """What a HEAD tells. `size` in bytes, `last_modified` ISO 8601 in UTC; checksums base64 by algorithm."""

    at: Pointer
    size: int
    etag: str
    last_modified: str
    content_type: str
    checksums: dict[str, str]
    etag_is_md5: bool
    restored: bool
    metadata: dict[str, Any]

    @property
    def in_parts(self) -> bool:
        """Uploaded in parts: the ETag ends in the number of parts."""
        return "-" in self.etag


class Objects:
    """The S3 adapter."""

    def __init__(self, s3: "S3Client", *, copy_object_max_bytes: int = COPY_OBJECT_MAX_BYTES) -> None:
        self._s3 = s3
        self._copy_object_max_bytes = copy_object_max_bytes

    def head(self, at: Pointer) -> ObjectFacts | None:
        """Facts of an object version, of the newest where none is named, or None where there is no such object."""
        try:
            found: Any = self._s3.head_object(**_address(at), ChecksumMode="ENABLED")
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") in _NOT_THERE:
                return None
            # A malformed version id is a bad request; it names no object either.
            if at.version_id and exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 400:  # noqa: PLR2004
                return None
            raise
        return ObjectFacts(
            at=Pointer(
                bucket=at.bucket,
                key=at.key,
                version_id=found.get("VersionId") or at.version_id,
                storage_class=found.get("StorageClass", "STANDARD"),
            ),
            size=found["ContentLength"],
            etag=found["ETag"].strip('"'),
            last_modified=found["LastModified"].astimezone(UTC).isoformat(),
            content_type=found.get("ContentType", ""),
            checksums={name: found[field] for name, field in _CHECKSUMS.items() if field in found},
            etag_is_md5=not found.get("ServerSideEncryption", "").startswith("aws:kms"),
            restored='ongoing-request="false"' in found.get("Restore", ""),
            metadata={field: found[field] for field in _METADATA_FIELDS if field in found},
        )

    def versions(self, bucket: str) -> Iterator[tuple[Pointer, datetime]]:
        """Every version in a bucket, and when it was written. Delete markers are none."""
        pages: Any = self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for found in (version for page in pages for version in page.get("Versions", [])):
            yield Pointer(bucket=bucket, key=found["Key"], version_id=found["VersionId"]), found["LastModified"]

    def read_range(self, at: Pointer, start: int, end: int) -> bytes:
        """Bytes `start` up to and without `end`."""
        return self._s3.get_object(**_address(at), Range=f"bytes={start}-{end - 1}")["Body"].read()

    def read(self, at: Pointer) -> bytes:
        """The whole object: for the small ones that we wrote ourselves."""
        return self._s3.get_object(**_address(at))["Body"].read()

    def open(self, at: Pointer, size: int) -> BinaryIO:
        """The object of `size` bytes as a seekable file, of which only those ranges are read that are asked for."""
        return cast("BinaryIO", RangeFile(partial(self.read_range, at), size))

    def download(self, at: Pointer, to: Path, size: int) -> str:
        """Read the object once into a file; its SHA-256 in hex."""
        with to.open("wb") as file:
            return self._read_once(at, size, file.write)

    def digest(self, at: Pointer, size: int) -> str:
        """Read the object once and keep nothing of it; its SHA-256 in hex."""
        return self._read_once(at, size, len)

    def _read_once(self, at: Pointer, size: int, take: Callable[[bytes], int]) -> str:
        digest, length = hashlib.sha256(), 0
        for chunk in self._s3.get_object(**_address(at))["Body"].iter_chunks(CHUNK_BYTES):
            digest.update(chunk)
            length += take(chunk)
        if length != size:
            raise TransientError(f"Read {length:,} bytes of s3://{at.bucket}/{at.key}, expected {size:,}.")
        return digest.hexdigest()

    def put(self, bucket: str, key: str, data: bytes, content_type: str, *, cache_control: str = "") -> str:
        """Write an object, checked on arrival by its SHA-256, which is returned in hex."""
        digest = hashlib.sha256(data)
        optional: dict[str, Any] = {"CacheControl": cache_control} if cache_control else {}
        self._s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=data,
            ContentType=content_type,
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            **optional,
        )
        return digest.hexdigest()

    def put_new(self, bucket: str, key: str, path: Path, metadata: dict[str, str]) -> bool:
        """Write a file of up to 5 GiB where there is none of that key; False where there is."""
        try:
            with path.open("rb") as file:
                self._s3.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=file,
                    Metadata=metadata,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                )
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") == "PreconditionFailed":
                return False
            raise
        return True

    def put_file(self, bucket: str, key: str, path: Path, content_type: str, *, cache_control: str = "") -> str:
        """Write a file, in parts where it is large, each checked on arrival; the SHA-256 of the whole in hex."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        optional = {"CacheControl": cache_control} if cache_control else {}
        self._s3.upload_file(
            str(path),
            bucket,
            key,
            ExtraArgs={"ContentType": content_type, "ChecksumAlgorithm": "SHA256", **optional},
        )
        return digest

    def copy_verified(self, source: ObjectFacts, to: Pointer, sha256: str | None) -> ObjectFacts:
        """Copy on the server with metadata and tags, and prove that the copy has the same bytes.

        A copy that an earlier attempt left is checked and taken. Raises CopyNotVerified; the source is not touched.
        """
        copy = self.head(Pointer(bucket=to.bucket, key=to.key))
        if copy is None or not self._is_copy(source, copy, sha256):
            self._copy(source, to, sha256)
            copy = self.head(Pointer(bucket=to.bucket, key=to.key))
        if copy is None or not self._is_copy(source, copy, sha256):
            raise CopyNotVerified(
                f"The copy of s3://{source.at.bucket}/{source.at.key} in s3://{to.bucket}/{to.key} could not be proven "
                "equal to its original. The original stays where it is; redrive the execution to copy again."
            )
        return copy

    def _is_copy(self, source: ObjectFacts, copy: ObjectFacts, sha256: str | None) -> bool:
        """By what S3 knows of both, or else by their bytes: of uploads in parts under a KMS key it may know nothing."""
        told = is_same(source, copy, sha256)
        if told is not None:
            return told
        wanted = sha256 or self.digest(source.at, source.size)
        return self.digest(copy.at, copy.size) == wanted

    def delete_version(self, at: Pointer) -> None:
        """Remove one version for good; removing it again does no harm."""
        if at.version_id is None:
            raise ValueError("Only a named version is ever deleted.")
        self._s3.delete_object(Bucket=at.bucket, Key=at.key, VersionId=at.version_id)

    def _copy(self, source: ObjectFacts, to: Pointer, sha256: str | None) -> None:
        if source.size <= self._copy_object_max_bytes and (sha256 or not source.in_parts):
            algorithm = "SHA256" if sha256 else next(iter(source.checksums), None)
            checksum: dict[str, Any] = {"ChecksumAlgorithm": algorithm} if algorithm else {}
            self._s3.copy_object(
                Bucket=to.bucket,
                Key=to.key,
                CopySource=_copy_source(source.at),
                StorageClass=to.storage_class,  # pyright: ignore[reportArgumentType] - a setting, checked at synth
                **checksum,
            )
        else:
            self._copy_in_parts(source, to)

    def _copy_in_parts(self, source: ObjectFacts, to: Pointer) -> None:
        """Copy along the source's own part boundaries, so that equal ETags prove equal bytes."""
        upload = self._s3.create_multipart_upload(
            Bucket=to.bucket,
            Key=to.key,
            StorageClass=to.storage_class,  # pyright: ignore[reportArgumentType]
            Tagging=self._tags(source.at),
            **source.metadata,
        )["UploadId"]
        try:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                parts = list(pool.map(partial(self._copy_part, source.at, to, upload), *self._parts(source, pool)))
            self._s3.complete_multipart_upload(
                Bucket=to.bucket, Key=to.key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._s3.abort_multipart_upload(Bucket=to.bucket, Key=to.key, UploadId=upload)
            raise

    def _copy_part(
        self, source: Pointer, to: Pointer, upload: str, number: int, start: int, end: int
    ) -> "CompletedPartTypeDef":
        part = self._s3.upload_part_copy(
            Bucket=to.bucket,
            Key=to.key,
            UploadId=upload,
            PartNumber=number,
            CopySource=_copy_source(source),
            CopySourceRange=f"bytes={start}-{end - 1}",
        )["CopyPartResult"]
        return {"PartNumber": number, "ETag": part.get("ETag", "")}

    def _parts(self, source: ObjectFacts, pool: ThreadPoolExecutor) -> tuple[Sequence[int], list[int], list[int]]:
        """Numbers, starts and ends of the source's parts, which may differ in size."""
        count = int(source.etag.rpartition("-")[2]) if source.in_parts else 1
        numbers = range(1, count + 1)
        ends = list(accumulate(pool.map(partial(self._part_bytes, source.at), numbers)))
        return numbers, [0, *ends[:-1]], ends

    def _part_bytes(self, at: Pointer, number: int) -> int:
        return self._s3.head_object(**_address(at), PartNumber=number)["ContentLength"]

    def _tags(self, at: Pointer) -> str:
        tags = self._s3.get_object_tagging(**_address(at))["TagSet"]
        return urlencode({tag["Key"]: tag["Value"] for tag in tags})


def is_same(source: ObjectFacts, copy: ObjectFacts, sha256: str | None) -> bool | None:
    """Equal size, and equal by the best proof at hand: SHA-256, a checksum that both carry, the MD5 in the ETag.

    None where there is no proof: a checksum of parts says nothing about one of the whole, nor an ETag under KMS.
    """
    if source.size != copy.size:
        return False
    whole = copy.checksums.get("SHA256", "")
    if sha256 and whole and "-" not in whole:
        return base64.b64decode(whole).hex() == sha256
    pairs = [(checksum, copy.checksums[name]) for name, checksum in source.checksums.items() if name in copy.checksums]
    shared = [(one, other) for one, other in pairs if ("-" in one) == ("-" in other)]
    if shared:
        return all(one == other for one, other in shared)
    if source.etag_is_md5 and copy.etag_is_md5 and source.in_parts == copy.in_parts:
        return source.etag == copy.etag
    return None


def _address(at: Pointer) -> dict[str, Any]:
    return {"Bucket": at.bucket, "Key": at.key, **({"VersionId": at.version_id} if at.version_id else {})}


def _copy_source(at: Pointer) -> "CopySourceTypeDef":
    if at.version_id is None:
        raise ValueError("Only a named version is ever copied.")
    return {"Bucket": at.bucket, "Key": at.key, "VersionId": at.version_id}
