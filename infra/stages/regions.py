"""What regions lack that a stage may ask for, known before anything is deployed.

tests/infra/test_regions.py holds it against the CloudFormation schemas of each region, as cfn-lint ships them, and
against botocore's endpoints.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra.stages.settings import Settings

REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AWS": (
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
            *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
            *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
            *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
            *("il-central-1", "me-central-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1"),
            "us-west-2",
        ),
        "GovCloud": ("us-gov-east-1", "us-gov-west-1"),
        "China": ("cn-north-1", "cn-northwest-1"),
    }
)
"""Those for which it is known what they have, by what AWS calls their group. Others may do, and are not refused."""


@dataclass(frozen=True)
class Service:
    """What a setting asks for that some regions do not have; `instead` says what to do there."""

    name: str
    topic: str
    setting: str
    missing_in: frozenset[str]
    instead: str


BUDGETS = Service(
    "AWS Budgets in CloudFormation",
    "observability",
    "monthly_budget_dollars",
    frozenset(
        {
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3"),
            *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2"),
            *("eu-north-1", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1"),
            *("us-gov-east-1", "us-gov-west-1"),
        }
    ),
    "set it to 0 and make a budget for the tag `stage` in the Billing console, which is the same from every region; "
    "for GovCloud, in the standard account that pays for it",
)
MEDIA_CONVERT = Service(
    "AWS Elemental MediaConvert",
    "files",
    "long_videos",
    frozenset(
        {
            *("ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-6", "ap-southeast-7"),
            *("ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "mx-central-1"),
            *("us-gov-east-1", "cn-north-1"),
        }
    ),
    'set it to "parts", which functions convert',
)


def services(settings: Settings) -> Iterator[Service]:
    """Those of the stage that are not everywhere."""
    if settings.observability.monthly_budget_dollars:
        yield BUDGETS
    if settings.files.long_videos == "mediaconvert":
        yield MEDIA_CONVERT


def lacking(settings: Settings, region: str) -> Iterator[str]:
    """What the stage asks for and the region has not, each with what to do."""
    for service in services(settings):
        if region in service.missing_in:
            setting = f"{settings.stage}.{service.topic}.{service.setting}"
            yield f"{setting} needs {service.name}, which {region} does not have: {service.instead}."
