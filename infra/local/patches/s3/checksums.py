"""A write answers with its checksum, and a copy is an object of its own, with its own checksum and ETag.

Defect: CopyObject ignores ChecksumAlgorithm and keeps a multipart source's ETag and composite checksum, UploadPartCopy
computes no checksum, and neither these nor PutObject answer with one.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from typing import Any

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Record = dict[str, Any]
OK = 200

_stock_put_object = s3._put_object
_stock_copy_object = s3._copy_object
_stock_upload_part_copy = s3._upload_part_copy


def install() -> None:
    s3._put_object = put_object
    s3._copy_object = copy_object
    s3._upload_part_copy = upload_part_copy


def put_object(bucket: str, key: str, body: bytes, headers: Headers) -> Response:
    status, answer, content = _stock_put_object(bucket, key, body, headers)
    if status != OK:
        return status, answer, content
    checksums = current_record(bucket, key)["checksums"]
    named = {f"x-amz-checksum-{algorithm.lower()}": value for algorithm, value in checksums.items()}
    return status, answer | named | ({"x-amz-checksum-type": "FULL_OBJECT"} if named else {}), content


def copy_object(bucket: str, key: str, headers: Headers) -> Response:
    status, answer, content = _stock_copy_object(bucket, key, headers)
    if status != OK:
        return status, answer, content
    record = current_record(bucket, key)
    requested = headers.get("x-amz-checksum-algorithm", "").upper()
    if "-" in record["etag"] or requested not in ("", *record["checksums"]):
        hash_again(bucket, key, record, [requested] if requested else list(record["checksums"]))
    return status, answer, result("CopyObjectResult", record, record["checksums"])


def upload_part_copy(bucket: str, key: str, query: dict[str, Any], headers: Headers) -> Response:
    status, answer, content = _stock_upload_part_copy(bucket, key, query, headers)
    upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {})
    algorithm = upload.get("checksum_algorithm")
    if status != OK or not algorithm:
        return status, answer, content
    part = upload["parts"][int(s3._qp(query, "partNumber"))]
    part["checksums"] = {algorithm: s3._compute_s3_checksum(algorithm, part["body"])}
    return status, answer, result("CopyPartResult", part, part["checksums"])


def current_record(bucket: str, key: str) -> Record:
    return s3._buckets[bucket]["objects"][key]


def hash_again(bucket: str, key: str, record: Record, algorithms: list[str]) -> None:
    """Gives a copied object the ETag and checksums that its bytes have as a whole."""
    body = s3._read_body(bucket, key, record)
    hashes = {
        "etag": f'"{s3.md5_hash(body)}"',
        "checksums": {algorithm: s3._compute_s3_checksum(algorithm, body) for algorithm in algorithms},
    }
    record.update(hashes)
    for entry in s3._object_versions.get((bucket, key), []):
        if entry["version_id"] == record.get("version_id"):
            entry.update(hashes)
    if s3.S3_PERSIST:
        s3._persist_object(bucket, key, record)


def result(name: str, record: Record, checksums: dict[str, str]) -> bytes:
    root = s3.Element(name, xmlns=s3.S3_NS)
    s3.SubElement(root, "ETag").text = record["etag"]
    s3.SubElement(root, "LastModified").text = record["last_modified"]
    for algorithm, value in checksums.items():
        s3.SubElement(root, f"Checksum{algorithm}").text = value
    return s3._xml_body(root)
