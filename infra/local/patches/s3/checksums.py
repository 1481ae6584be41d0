"""What is stored has a checksum, of the whole or of the parts' checksums, as S3 computes and tells it.

Defects: what comes without a checksum has none, where S3 computes CRC64NVME; an upload in parts knows no full-object
checksums; CopyObject ignores ChecksumAlgorithm and keeps a multipart source's ETag and composite checksum,
UploadPartCopy computes none, and neither these nor PutObject answer with one.
AWS: recorded in s3/test_s3, 21-02-2026: test_put_object_checksum, test_multipart_checksum_type_*,
test_multipart_parts_checksum_exceptions_*, test_complete_multipart_parts_checksum_*; and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import contextvars
from http import HTTPStatus
from typing import Any

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Record = dict[str, Any]
Query = dict[str, Any]

DEFAULT = "CRC64NVME"
WHOLE, COMPOSITE = "FULL_OBJECT", "COMPOSITE"
ALGORITHMS = ("CRC32", "CRC32C", DEFAULT, "SHA1", "SHA256")
TYPES = {"CRC32": (COMPOSITE, WHOLE), "CRC32C": (COMPOSITE, WHOLE), DEFAULT: (WHOLE,)}
"""Those that an algorithm may have, its default first; any other has only composites."""
DEFAULT_LIMIT_BYTES = 256 * 1024
"""What is larger gets no checksum that nobody named: Python takes a second for a megabyte of CRC64NVME."""
DIGEST_BYTES = {"CRC32": 4, "CRC32C": 4, DEFAULT: 8, "SHA1": 20, "SHA256": 32}

_completed: contextvars.ContextVar[Record | None] = contextvars.ContextVar("completed", default=None)
"""The upload that is being completed, where its checksum is of the whole."""
_stock_composite = s3._composite_checksum
_stock_resolve = s3._resolve_object_checksums
_stock_put_object = s3._put_object
_stock_copy_object = s3._copy_object
_stock_create = s3._create_multipart_upload
_stock_upload_part = s3._upload_part
_stock_upload_part_copy = s3._upload_part_copy
_stock_complete = s3._complete_multipart_upload


def install() -> None:
    s3._composite_checksum = composite
    s3._resolve_object_checksums = resolve
    s3._put_object = put_object
    s3._copy_object = copy_object
    s3._create_multipart_upload = create
    s3._upload_part = upload_part
    s3._upload_part_copy = upload_part_copy
    s3._complete_multipart_upload = complete


def refusal(message: str, code: str = "InvalidRequest") -> Response:
    return s3._object_error(code, message, HTTPStatus.BAD_REQUEST)


def given(headers: Headers) -> dict[str, str]:
    """The checksums that the caller computed."""
    named = {algorithm: headers.get(f"x-amz-checksum-{algorithm.lower()}") for algorithm in ALGORITHMS}
    return {algorithm: value for algorithm, value in named.items() if value}


def resolve(body: bytes, headers: Headers) -> tuple[dict[str, str], Response | None]:
    for algorithm, value in given(headers).items():
        if not is_digest(algorithm, value):
            return {}, refusal(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    checksums, error = _stock_resolve(body, headers)
    return checksums or by_default(body), error


def by_default(body: bytes) -> dict[str, str]:
    return {DEFAULT: s3._compute_s3_checksum(DEFAULT, body)} if len(body) <= DEFAULT_LIMIT_BYTES else {}


def is_digest(algorithm: str, value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == DIGEST_BYTES[algorithm]
    except ValueError:
        return False


def put_object(bucket: str, key: str, body: bytes, headers: Headers) -> Response:
    status, answer, content = _stock_put_object(bucket, key, body, headers)
    if status != HTTPStatus.OK:
        return status, answer, content
    checksums = current_record(bucket, key)["checksums"]
    named = {f"x-amz-checksum-{algorithm.lower()}": value for algorithm, value in checksums.items()}
    return status, answer | named | ({"x-amz-checksum-type": WHOLE} if named else {}), content


def copy_object(bucket: str, key: str, headers: Headers) -> Response:
    status, answer, content = _stock_copy_object(bucket, key, headers)
    if status != HTTPStatus.OK:
        return status, answer, content
    record = current_record(bucket, key)
    requested = headers.get("x-amz-checksum-algorithm", "").upper()
    if "-" in record["etag"] or not record["checksums"] or requested not in ("", *record["checksums"]):
        hash_again(bucket, key, record, [requested] if requested else list(record["checksums"]))
    return status, answer, result("CopyObjectResult", record, record["checksums"], WHOLE if record["checksums"] else "")


def create(bucket: str, key: str, headers: Headers) -> Response:
    """An upload's algorithm says what its checksum may be of."""
    algorithm = headers.get("x-amz-checksum-algorithm", "").upper()
    kind = headers.get("x-amz-checksum-type", "").upper()
    types = TYPES.get(algorithm, (COMPOSITE,))
    if algorithm and algorithm not in ALGORITHMS:
        valid = f"Please try again with any of the valid types: [{', '.join(ALGORITHMS)}]"
        return refusal(f"Checksum algorithm provided is unsupported. {valid}")
    if kind and not algorithm:
        return refusal("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
    if kind and kind not in types:
        return refusal(f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm.")
    status, answer, content = _stock_create(bucket, key, headers)
    if status == HTTPStatus.OK and algorithm:
        upload = s3._multipart_uploads[s3.fromstring(content).findtext(f"{{{s3.S3_NS}}}UploadId")]
        upload["checksum_type"] = kind or types[0]
        answer = {**answer, "x-amz-checksum-type": upload["checksum_type"]}
    return status, answer, content


def upload_part(bucket: str, key: str, body: bytes, query: Query, headers: Headers) -> Response:
    algorithm = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {}).get("checksum_algorithm")
    for other in (other for other in given(headers) if algorithm and other != algorithm):
        expected = f"expected checksum Type: {algorithm.lower()}, actual checksum Type: {other.lower()}"
        return refusal(f"Checksum Type mismatch occurred, {expected}")
    return _stock_upload_part(bucket, key, body, query, headers)


def upload_part_copy(bucket: str, key: str, query: Query, headers: Headers) -> Response:
    status, answer, content = _stock_upload_part_copy(bucket, key, query, headers)
    upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {})
    algorithm = upload.get("checksum_algorithm")
    if status != HTTPStatus.OK or not algorithm:
        return status, answer, content
    part = upload["parts"][int(s3._qp(query, "partNumber"))]
    part["checksums"] = {algorithm: s3._compute_s3_checksum(algorithm, part["body"])}
    return status, answer, result("CopyPartResult", part, part["checksums"])


def complete(bucket: str, key: str, body: bytes, query: Query, headers: Headers | None = None) -> Response:
    """An upload without an algorithm gets the default one's checksum of the whole."""
    upload_id = s3._qp(query, "uploadId")
    upload: Record | None = s3._multipart_uploads.get(upload_id)
    if upload is None:
        return _stock_complete(bucket, key, body, query, headers)
    kind = upload.get("checksum_type") or (COMPOSITE if upload.get("checksum_algorithm") else WHOLE)
    if (headers or {}).get("x-amz-checksum-type", kind) != kind:
        mode = f"The upload was created using the {kind} checksum mode."
        return refusal(f"{mode} The complete request must use the same checksum mode.")
    if kind == COMPOSITE:
        return _stock_complete(bucket, key, body, query, headers)
    algorithm = upload.get("checksum_algorithm")
    token = _completed.set({**upload, "named": sorted(number for number, _ in named_parts(body) or ())})
    upload["checksum_algorithm"] = algorithm or DEFAULT
    try:
        response = _stock_complete(bucket, key, body, query, headers)
    finally:
        upload["checksum_algorithm"] = algorithm
        _completed.reset(token)
    if response[0] == HTTPStatus.OK:
        response = told_as_whole(response)
        s3._completed_multipart_uploads[upload_id]["response"] = response
        amend(bucket, key, current_record(bucket, key), {"checksum_type": WHOLE})
    return response


def named_parts(body: bytes) -> list[tuple[int, Any]] | None:
    """The parts that a completion names, each number with its element; None of a body that lists none at all."""
    try:
        parts = list(s3.fromstring(body).iter(f"{{{s3.S3_NS}}}Part"))
        return [(int(part.findtext(f"{{{s3.S3_NS}}}PartNumber")), part) for part in parts]
    except (s3.ParseError, TypeError, ValueError):
        return None


def told_as_whole(response: Response) -> Response:
    status, answer, content = response
    kinds = [f"<ChecksumType>{kind}</ChecksumType>".encode() for kind in (COMPOSITE, WHOLE)]
    return status, answer, content.replace(*kinds)


def composite(algorithm: str, digests: list[str | None]) -> str | None:
    upload = _completed.get()
    if upload is None:
        return _stock_composite(algorithm, digests)
    whole = b"".join(upload["parts"][number]["body"] for number in upload["named"])
    if upload.get("checksum_algorithm"):
        return s3._compute_s3_checksum(algorithm, whole)
    return by_default(whole).get(algorithm)


def current_record(bucket: str, key: str) -> Record:
    return s3._buckets[bucket]["objects"][key]


def hash_again(bucket: str, key: str, record: Record, algorithms: list[str]) -> None:
    """Gives a copied object the ETag and checksums that its bytes have as a whole."""
    body = s3._read_body(bucket, key, record)
    hashes = {
        "etag": f'"{s3.md5_hash(body)}"',
        "checksums": {algorithm: s3._compute_s3_checksum(algorithm, body) for algorithm in algorithms}
        or by_default(body),
    }
    amend(bucket, key, record, hashes)


def amend(bucket: str, key: str, record: Record, facts: Record) -> None:
    record.update(facts)
    for entry in s3._object_versions.get((bucket, key), []):
        if entry["version_id"] == record.get("version_id"):
            entry.update(facts)
    if s3.S3_PERSIST:
        s3._persist_object(bucket, key, record)


def result(name: str, record: Record, checksums: dict[str, str], kind: str = "") -> bytes:
    root = s3.Element(name, xmlns=s3.S3_NS)
    s3.SubElement(root, "ETag").text = record["etag"]
    s3.SubElement(root, "LastModified").text = record["last_modified"]
    for algorithm, value in checksums.items():
        s3.SubElement(root, f"Checksum{algorithm}").text = value
    if kind:
        s3.SubElement(root, "ChecksumType").text = kind
    return s3._xml_body(root)
