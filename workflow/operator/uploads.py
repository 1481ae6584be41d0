"""Which files there are to upload, and uploads that tell which version they made: large files in parts."""

import base64
import hashlib
import mimetypes
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.shared.objects import ObjectFacts
from workflow.units import MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

from workflow.operator.stack import NotThereError

PART_BYTES = 16 * MIB
MAX_PARTS = 10_000
PARTS_AT_ONCE = 4

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Upload:
    """A file and the key that it gets."""

    path: Path
    key: str


@dataclass(frozen=True)
class LeftOut:
    """A path that is not uploaded, and why; `wanted` where that is not by Sluice's own choice."""

    path: Path
    why: str
    wanted: bool = False


@dataclass(frozen=True)
class Plan:
    """What there is to upload, in order, and what is left out of it."""

    items: list[Upload]
    left_out: list[LeftOut]


OTHERS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def plan(paths: list[Path], prefix: str) -> Plan:
    """The files to upload, in order; a folder keeps its name, and what it has that is no plain file is left out."""
    found = [each for root in paths for each in _found(root, prefix)]
    return Plan([each for each in found if isinstance(each, Upload)], [e for e in found if isinstance(e, LeftOut)])


def _found(root: Path, prefix: str) -> Iterator[Upload | LeftOut]:
    if not os.path.lexists(root):
        raise NotThereError(f"There is no file or folder {root}.")
    if root.is_dir():
        base = root.resolve()
        yield from _inside(base, base.parent, prefix)
    else:
        yield _file(root, prefix + root.name, wanted=True)


def _inside(folder: Path, base: Path, prefix: str) -> Iterator[Upload | LeftOut]:
    """All files in a folder and those below it, by name."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as exc:
        yield LeftOut(folder, f"cannot be read: {exc.strerror}", wanted=True)
        return
    for path in paths:
        if path.name.startswith("."):
            yield LeftOut(path, "hidden: its name begins with a dot")
        elif path.is_dir() and path.is_symlink():
            yield LeftOut(path, "a link to a folder: name it to have that uploaded")
        elif path.is_dir():
            yield from _inside(path, base, prefix)
        else:
            yield _file(path, prefix + path.relative_to(base).as_posix())


def _file(path: Path, key: str, *, wanted: bool = False) -> Upload | LeftOut:
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        why = f"a link to what is not there ({path.readlink()})" if path.is_symlink() else f"cannot be read: {exc}"
        return LeftOut(path, why, wanted=wanted)
    if other := next((name for is_one, name in OTHERS if is_one(mode)), None):
        return LeftOut(path, f"{other}, which has no end", wanted=wanted)
    if not is_text(key):
        return LeftOut(path, "its name is not written in UTF-8, as all names in AWS are: rename it", wanted=True)
    return Upload(path, key)


def is_text(name: str) -> bool:
    """Whether UTF-8 can write it: a name that the system hands over may be any bytes."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


@dataclass(frozen=True)
class Digests:
    """Of a file's bytes: SHA-256 in hex, and what S3 tells of them as they are uploaded here.

    `crc32` is of the parts' checksums where there are parts, without their number.
    """

    sha256: str
    etag: str
    crc32: str

    def fit(self, found: ObjectFacts) -> bool:
        """Whether an object has the same bytes. One that was uploaded in other parts by somebody else may, too."""
        by_etag = found.etag_is_md5 and found.etag == self.etag
        return by_etag or (not found.etag_is_md5 and found.checksums.get("CRC32", "").partition("-")[0] == self.crc32)


def digests(path: Path) -> Digests:
    """Reads the file once."""
    size, whole, parts = path.stat().st_size, hashlib.sha256(), list[tuple[bytes, bytes]]()
    with path.open("rb") as file:
        while part := file.read(part_bytes_of(size)):
            whole.update(part)
            md5 = hashlib.md5(part, usedforsecurity=False).digest()
            parts.append((md5, zlib.crc32(part).to_bytes(4, "big")))
    if size <= PART_BYTES:
        md5, crc32 = parts[0] if parts else (hashlib.md5(b"", usedforsecurity=False).digest(), bytes(4))
        return Digests(whole.hexdigest(), md5.hex(), base64.b64encode(crc32).decode())
    md5s, crc32s = (b"".join(each) for each in zip(*parts, strict=True))
    crc32 = base64.b64encode(zlib.crc32(crc32s).to_bytes(4, "big")).decode()
    etag = hashlib.md5(md5s, usedforsecurity=False).hexdigest()
    return Digests(whole.hexdigest(), f"{etag}-{len(parts)}", crc32)


def part_bytes_of(size: int) -> int:
    return max(PART_BYTES, -(-size // MAX_PARTS))


def upload(s3: "S3Client", bucket: str, item: Upload, progress: Progress) -> str:
    """Upload one file; the version id that it got. `progress` is called with bytes sent."""
    target: dict[str, Any] = {"Bucket": bucket, "Key": item.key}
    content_type = mimetypes.guess_type(item.path.name)[0] or "application/octet-stream"
    if item.path.stat().st_size > PART_BYTES:
        return _in_parts(s3, item.path, target, content_type, progress)
    data = item.path.read_bytes()
    made = s3.put_object(**target, Body=data, ContentType=content_type)
    progress(len(data))
    return made.get("VersionId", "")


def _in_parts(s3: "S3Client", path: Path, target: dict[str, Any], content_type: str, progress: Progress) -> str:
    size = path.stat().st_size
    part_bytes = part_bytes_of(size)
    upload_id = s3.create_multipart_upload(**target, ContentType=content_type, ChecksumAlgorithm="CRC32")["UploadId"]

    def send(number: int) -> "CompletedPartTypeDef":
        with path.open("rb") as file:
            file.seek((number - 1) * part_bytes)
            body = file.read(part_bytes)
        part = s3.upload_part(**target, UploadId=upload_id, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        progress(len(body))
        return {"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part.get("ChecksumCRC32", "")}

    try:
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            parts = list(pool.map(send, range(1, -(-size // part_bytes) + 1)))
        done = s3.complete_multipart_upload(**target, UploadId=upload_id, MultipartUpload={"Parts": parts})
    except BaseException:
        s3.abort_multipart_upload(**target, UploadId=upload_id)
        raise
    return done.get("VersionId", "")
