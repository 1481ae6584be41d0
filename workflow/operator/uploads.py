"""Uploads that tell which version they made: small files in one request, large ones in parts."""

import mimetypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def plan(paths: list[Path], prefix: str) -> list[Upload]:
    """The files to upload, in order; a folder keeps its name, hidden files are left out."""
    return [Upload(path, prefix + key) for root in paths for path, key in _files(root)]


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    if root.is_file():
        yield root, root.name
        return
    if not root.is_dir():
        raise NotThereError(f"There is no file or folder {root}.")
    base = root.resolve().parent
    for path in sorted(root.resolve().rglob("*")):
        inside = path.relative_to(base)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts[1:]):
            yield path, inside.as_posix()


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
    part_bytes = max(PART_BYTES, -(-size // MAX_PARTS))
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
