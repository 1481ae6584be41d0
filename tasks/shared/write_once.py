"""Objects that are written once: who writes the same again, after a crash or a redelivery, changes nothing."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THERE_ALREADY = "PreconditionFailed"


def put_once(s3: "S3Client", bucket: str, key: str, data: bytes, content_type: str) -> bool:
    """Write an object where there is none of that key; False where there is."""
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*")
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") == THERE_ALREADY:
            return False
        raise
    return True
