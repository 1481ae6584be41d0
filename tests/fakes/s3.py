"""S3's buckets: versions, delete markers, checksums, copies and uploads in parts."""

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from botocore.response import StreamingBody

from tests.fakes.errors import AwsError

Answer = dict[str, Any]
METADATA = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)
FROZEN = {"GLACIER", "DEEP_ARCHIVE"}
_numbers = count(1)


@dataclass
class Version:
    """One version of an object, or a delete marker where `data` is None."""

    key: str
    version_id: str
    data: bytes | None
    etag: str = ""
    about: Answer = field(default_factory=dict)
    storage_class: str = "STANDARD"
    checksums: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    part_sizes: list[int] = field(default_factory=list)
    restored: str = ""
    last_modified: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))


@dataclass
class Contents:
    """A bucket: versions by key, the newest last."""

    versioned: bool = False
    objects: dict[str, list[Version]] = field(default_factory=dict)

    def put(self, version: Version) -> Answer:
        if self.versioned:
            self.objects.setdefault(version.key, []).append(version)
            return {"VersionId": version.version_id}
        version.version_id = "null"
        self.objects[version.key] = [version]
        return {}

    def newest(self) -> Iterator[Version]:
        """Of each key that has an object."""
        for key in sorted(self.objects, key=str.encode):
            if (versions := self.objects[key]) and versions[-1].data is not None:
                yield versions[-1]


@dataclass
class Upload:
    """One in parts that is under way."""

    bucket: str
    key: str
    request: Answer
    parts: dict[int, bytes] = field(default_factory=dict)


class S3:
    """The operations, by their names in AWS."""

    def __init__(self) -> None:
        self._buckets: dict[str, Contents] = {}
        self._uploads: dict[str, Upload] = {}

    def CreateBucket(self, *, Bucket: str) -> None:
        self._buckets[Bucket] = Contents()

    def PutBucketVersioning(self, *, Bucket: str, VersioningConfiguration: Answer) -> None:
        self._bucket(Bucket).versioned = VersioningConfiguration["Status"] == "Enabled"

    def PutObject(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: Any = b"",
        IfNoneMatch: str = "",
        ChecksumAlgorithm: str = "",
        **more: Any,
    ) -> Answer:
        bucket, data = self._bucket(Bucket), _bytes(Body)
        if IfNoneMatch == "*" and self._newest(bucket, Key):
            raise AwsError(
                "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", status=412
            )
        checksums = {name: more.pop(name) for name in [*more] if name.startswith("Checksum")}
        computed = {
            name: _checksum(name, data) for name in checksums or {f"Checksum{ChecksumAlgorithm or 'CRC32'}": ""}
        }
        if checksums and computed != checksums:
            raise AwsError("BadDigest", "The checksum you specified did not match what we received.")
        version = Version(Key, _new_id(), data, _etag(data), checksums=computed, **_described(more))
        return {"ETag": version.etag, **computed, "ServerSideEncryption": "AES256", **bucket.put(version)}

    def GetObject(
        self,
        *,
        Range: str = "",
        ChecksumMode: str = "",
        **address: Any,
    ) -> Answer:
        version = self._version(address)
        if version.storage_class in FROZEN and not version.restored:
            raise AwsError(
                "InvalidObjectState", "The operation is not valid for the object's storage class", status=403
            )
        assert version.data is not None
        # boto3 asks for checksums wherever it can, and no range has one.
        data, facts = version.data, self._facts(address, version, with_checksums=not Range)
        if Range:
            start, end = _range(Range, len(data))
            facts |= {"ContentRange": f"bytes {start}-{end - 1}/{len(data)}", "ContentLength": end - start}
            data = data[start:end]
        return facts | {"Body": StreamingBody(io.BytesIO(data), len(data))}

    def HeadObject(self, *, PartNumber: int = 0, ChecksumMode: str = "", **address: Any) -> Answer:
        try:
            version = self._version(address)
        except AwsError as exc:
            status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
            raise AwsError(str(status), {404: "Not Found", 405: "Method Not Allowed"}[status], status=status) from None
        facts = self._facts(address, version, with_checksums=bool(ChecksumMode))
        if PartNumber:
            sizes = version.part_sizes or [facts["ContentLength"]]
            facts |= {"ContentLength": sizes[PartNumber - 1], "PartsCount": len(sizes)}
        return facts

    def CopyObject(
        self,
        *,
        Bucket: str,
        Key: str,
        CopySource: Answer,
        StorageClass: str = "STANDARD",
        ChecksumAlgorithm: str = "",
    ) -> Answer:
        source = self._version(CopySource)
        assert source.data is not None
        names = [f"Checksum{ChecksumAlgorithm}"] if ChecksumAlgorithm else [*source.checksums]
        copy = Version(
            Key,
            _new_id(),
            source.data,
            _etag(source.data),
            dict(source.about),
            StorageClass,
            {name: _checksum(name, source.data) for name in names},
            dict(source.tags),
        )
        made = self._bucket(Bucket).put(copy)
        told: Answer = {"ETag": copy.etag, "LastModified": copy.last_modified, **copy.checksums}
        if copy.checksums:
            told["ChecksumType"] = "FULL_OBJECT"
        return {
            "CopyObjectResult": told,
            "CopySourceVersionId": source.version_id,
            "ServerSideEncryption": "AES256",
            **made,
        }

    def DeleteObject(self, *, Bucket: str, Key: str, VersionId: str = "") -> Answer:
        bucket = self._bucket(Bucket)
        versions = bucket.objects.get(Key, [])
        if VersionId:
            gone = [each for each in versions if each.version_id == VersionId]
            bucket.objects[Key] = [each for each in versions if each.version_id != VersionId]
            return {"VersionId": VersionId, **({"DeleteMarker": True} if gone and gone[0].data is None else {})}
        if not bucket.versioned:
            bucket.objects.pop(Key, None)
            return {}
        return {"DeleteMarker": True, **bucket.put(Version(Key, _new_id(), None))}

    def ListObjectsV2(self, *, Bucket: str, Prefix: str = "", MaxKeys: int = 1000) -> Answer:
        found = [each for each in self._bucket(Bucket).newest() if each.key.startswith(Prefix)]
        _require_one_page(found, MaxKeys)
        listed = [_listed(each) for each in found]
        return {"IsTruncated": False, "KeyCount": len(listed), **({"Contents": listed} if listed else {})}

    def ListObjectVersions(self, *, Bucket: str, Prefix: str = "") -> Answer:
        objects = self._bucket(Bucket).objects
        answer: Answer = {"IsTruncated": False}
        for key in sorted(objects, key=str.encode):
            for number, version in enumerate(reversed(objects[key])):
                if key.startswith(Prefix):
                    shown = {"VersionId": version.version_id, "IsLatest": number == 0}
                    kind = "DeleteMarkers" if version.data is None else "Versions"
                    answer.setdefault(kind, []).append(_listed(version) | shown)
        return answer

    def GetObjectTagging(self, **address: Any) -> Answer:
        return {"TagSet": [{"Key": key, "Value": value} for key, value in self._version(address).tags.items()]}

    def RestoreObject(self, *, RestoreRequest: Answer, **address: Any) -> None:
        version = self._version(address)
        if version.storage_class not in FROZEN:
            raise AwsError("ObjectAlreadyInActiveTierError", "This action is not allowed against this tier", status=403)
        until = datetime.now(UTC) + timedelta(days=RestoreRequest["Days"])
        version.restored = f'ongoing-request="false", expiry-date="{until:%a, %d %b %Y %H:%M:%S GMT}"'

    # uploads in parts

    def CreateMultipartUpload(self, *, Bucket: str, Key: str, **request: Any) -> Answer:
        self._bucket(Bucket)
        upload = _new_id()
        self._uploads[upload] = Upload(Bucket, Key, request)
        return {"UploadId": upload, "Bucket": Bucket, "Key": Key}

    def UploadPart(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        Body: Any,
        ChecksumAlgorithm: str = "",
    ) -> Answer:
        return self._take_part(UploadId, PartNumber, _bytes(Body))

    def UploadPartCopy(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        CopySource: Answer,
        CopySourceRange: str,
    ) -> Answer:
        data = self._version(CopySource).data or b""
        start, end = _range(CopySourceRange, len(data))
        return {"CopyPartResult": self._take_part(UploadId, PartNumber, data[start:end])}

    def CompleteMultipartUpload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: Answer,
    ) -> Answer:
        upload = self._upload(UploadId)
        parts = [upload.parts[each["PartNumber"]] for each in MultipartUpload["Parts"]]
        data = b"".join(parts)
        digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
        etag = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"'
        upload.request.pop("ChecksumAlgorithm", None)
        version = Version(
            Key, _new_id(), data, etag, part_sizes=[len(part) for part in parts], **_described(upload.request)
        )
        del self._uploads[UploadId]
        return {"ETag": etag, "Bucket": Bucket, "Key": Key, **self._bucket(Bucket).put(version)}

    def AbortMultipartUpload(self, *, Bucket: str, Key: str, UploadId: str) -> None:
        self._upload(UploadId)
        del self._uploads[UploadId]

    def ListMultipartUploads(self, *, Bucket: str, Prefix: str = "") -> Answer:
        found = [
            {"UploadId": name, "Key": upload.key}
            for name, upload in self._uploads.items()
            if upload.bucket == Bucket and upload.key.startswith(Prefix)
        ]
        return {"IsTruncated": False, **({"Uploads": found} if found else {})}

    def _upload(self, name: str) -> Upload:
        if name not in self._uploads:
            raise AwsError("NoSuchUpload", "The specified upload does not exist.", status=404)
        return self._uploads[name]

    def _take_part(self, upload: str, number: int, data: bytes) -> Answer:
        self._upload(upload).parts[number] = data
        return {"ETag": _etag(data)}

    # what is there

    def _bucket(self, name: str) -> Contents:
        if name not in self._buckets:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", status=404)
        return self._buckets[name]

    @staticmethod
    def _newest(bucket: Contents, key: str) -> Version | None:
        versions = bucket.objects.get(key, [])
        return versions[-1] if versions and versions[-1].data is not None else None

    def _version(self, address: Mapping[str, Any]) -> Version:
        """The one of this id, or the newest."""
        if unknown := address.keys() - {"Bucket", "Key", "VersionId"}:
            raise NotImplementedError(f"S3: {unknown}")
        bucket, version_id = self._bucket(address["Bucket"]), address.get("VersionId")
        if not version_id:
            if found := self._newest(bucket, address["Key"]):
                return found
            raise AwsError("NoSuchKey", "The specified key does not exist.", status=404, Key=address["Key"])
        found = next((v for v in bucket.objects.get(address["Key"], []) if v.version_id == version_id), None)
        if found is None:
            raise AwsError("NoSuchVersion", "The specified version does not exist.", status=404)
        if found.data is None:
            raise AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", status=405)
        return found

    def _facts(self, address: Mapping[str, Any], version: Version, *, with_checksums: bool) -> Answer:
        optional = {"StorageClass": version.storage_class} if version.storage_class != "STANDARD" else {}
        if with_checksums and version.checksums:
            optional |= version.checksums | {"ChecksumType": "FULL_OBJECT"}
        if version.tags:
            optional["TagCount"] = len(version.tags)
        if version.restored:
            optional["Restore"] = version.restored
        if self._bucket(address["Bucket"]).versioned:
            optional["VersionId"] = version.version_id
        return {
            "Metadata": {},
            "ContentType": "binary/octet-stream",
            **version.about,
            "ContentLength": len(version.data or b""),
            "ETag": version.etag,
            "LastModified": version.last_modified,
            "AcceptRanges": "bytes",
            "ServerSideEncryption": "AES256",
            **optional,
        }


def _described(request: Answer) -> Answer:
    about = {name: request.pop(name) for name in METADATA if name in request}
    storage_class, tags = request.pop("StorageClass", "STANDARD"), dict(parse_qsl(request.pop("Tagging", "")))
    if request:
        raise NotImplementedError(f"S3: {request.keys()}")
    return {"about": about, "storage_class": storage_class, "tags": tags}


def _bytes(body: Any) -> bytes:
    return bytes(body) if isinstance(body, bytes | bytearray) else body.read()


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _checksum(name: str, data: bytes) -> str:
    if name == "ChecksumSHA256":
        return base64.b64encode(hashlib.sha256(data).digest()).decode()
    if name == "ChecksumCRC32":
        return base64.b64encode(zlib.crc32(data).to_bytes(4)).decode()
    raise NotImplementedError(name)


def _range(text: str, size: int) -> tuple[int, int]:
    """Where it starts, and where it ends, without the end."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", text)
    if found is None:
        raise NotImplementedError(text)
    start, end = int(found[1]), min(int(found[2] or size) + 1, size)
    if start >= size:
        raise AwsError("InvalidRange", "The requested range is not satisfiable", status=416)
    return start, end


def _listed(version: Version) -> Answer:
    facts: Answer = {"Key": version.key, "LastModified": version.last_modified}
    if version.data is not None:
        facts |= {"ETag": version.etag, "Size": len(version.data), "StorageClass": version.storage_class}
    return facts


def _require_one_page(found: Iterable[Any], most: int) -> None:
    if len([*found]) > most:
        raise NotImplementedError("S3: pages")


def _new_id() -> str:
    return f"version-{next(_numbers)}"
