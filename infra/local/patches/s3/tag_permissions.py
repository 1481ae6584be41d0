"""Tags that go along with an object need permissions of their own.

Defect: with AUTH=true whoever may write an object may also tag it, and a copy takes tags along that its caller could
neither read nor write. AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from typing import Any

from infra.local.ministack import iam_actions, s3

Headers = dict[str, str]
Check = tuple[str, str]

_stock_checks = iam_actions.s3_additional_checks


def install() -> None:
    iam_actions.s3_additional_checks = additional_checks


def additional_checks(method: str, path: str, headers: Headers, body: bytes, query: dict[str, Any]) -> list[Check]:
    checks: list[Check] = _stock_checks(method, path, headers, body, query)
    source = None if "partNumber" in query else iam_actions._s3_source_object(headers)
    copied = tags_read(*source) if source else []
    if copied or headers.get("x-amz-tagging"):
        checks += [*copied, ("s3:PutObjectTagging", f"arn:aws:s3:::{path.strip('/')}")]
    return checks


def tags_read(arn: str, version_id: str) -> list[Check]:
    """What reading the source's tags takes, where it has any."""
    bucket, _, key = arn.rpartition(":::")[2].partition("/")
    if not s3._object_tags.get((bucket, key, version_id or None)):
        return []
    return [("s3:GetObjectVersionTagging" if version_id else "s3:GetObjectTagging", arn)]
