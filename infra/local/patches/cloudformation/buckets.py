"""AWS::S3::Bucket: lifecycle rules, encryption and tags, which the emulator leaves out without a word.

Each goes through the emulator's own S3 call, in the XML that the call takes; some of CloudFormation's names differ.
"""

from collections.abc import Callable
from typing import Any, cast
from xml.etree.ElementTree import Element, SubElement, tostring

from infra.local.ministack import provisioners, s3
from infra.local.patches.cloudformation.provisioning import Properties, Response, require

Put = Callable[[str, bytes], Response]


def install() -> None:
    provisioners._S3_BUCKET_CONFIGURATIONS += (
        ("LifecycleConfiguration", lifecycle_xml, requiring(s3._put_bucket_lifecycle), s3._delete_bucket_lifecycle),
        ("BucketEncryption", encryption_xml, requiring(s3._put_bucket_encryption), s3._delete_bucket_encryption),
        ("Tags", tagging_xml, requiring(s3._put_bucket_tagging), s3._delete_bucket_tagging),
    )


def requiring(put: Put) -> Callable[[str, bytes], None]:
    return lambda bucket, body: require(put(bucket, body))


def lifecycle_xml(configuration: Properties) -> bytes:
    return to_xml("LifecycleConfiguration", {"Rule": [lifecycle_rule(rule) for rule in configuration["Rules"]]})


def lifecycle_rule(rule: Properties) -> Properties:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html"""
    wanted = {
        "ID": rule.get("Id"),
        "Filter": lifecycle_filter(rule),
        "Status": rule["Status"],
        "Expiration": expiration(rule),
        "Transition": [transition(item, "Days") for item in rule.get("Transitions", [])],
        "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
        "NoncurrentVersionTransition": [
            transition(item, "NoncurrentDays") for item in rule.get("NoncurrentVersionTransitions", [])
        ],
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return {name: value for name, value in wanted.items() if value not in (None, [], {}) or name == "Filter"}


def lifecycle_filter(rule: Properties) -> Properties:
    sizes = {name: rule[name] for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule}
    conditions = {"Prefix": rule.get("Prefix", ""), "Tag": rule.get("TagFilters", [])} | sizes
    return {"And": conditions} if sizes or conditions["Tag"] else {"Prefix": conditions["Prefix"]}


def expiration(rule: Properties) -> Properties:
    names = {"ExpirationInDays": "Days", "ExpirationDate": "Date", "ExpiredObjectDeleteMarker": None}
    return {api or name: rule[name] for name, api in names.items() if name in rule}


def transition(item: Properties, days: str) -> Properties:
    named = {
        days: item.get("TransitionInDays"),
        "Date": item.get("TransitionDate"),
        "StorageClass": item["StorageClass"],
    }
    return {name: value for name, value in named.items() if value is not None}


def encryption_xml(configuration: Properties) -> bytes:
    rules = [
        {"ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {})}
        | ({"BucketKeyEnabled": rule["BucketKeyEnabled"]} if "BucketKeyEnabled" in rule else {})
        for rule in configuration["ServerSideEncryptionConfiguration"]
    ]
    return to_xml("ServerSideEncryptionConfiguration", {"Rule": rules})


def tagging_xml(tags: list[Properties]) -> bytes:
    return to_xml("Tagging", {"TagSet": {"Tag": tags}})


def to_xml(name: str, content: Properties) -> bytes:
    """S3's XML: a dictionary is an element with children, a list is the same element again and again."""
    root = Element(name, xmlns=s3.S3_NS)
    add_children(root, content)
    return tostring(root)


def add_children(parent: Element, content: Properties) -> None:
    for name, value in content.items():
        for item in cast("list[Any]", value if isinstance(value, list) else [value]):
            child = SubElement(parent, name)
            if isinstance(item, dict):
                add_children(child, cast("Properties", item))
            else:
                child.text = as_text(item)


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
