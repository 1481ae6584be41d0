"""docs/regions.md, from the tables in the code."""

from collections.abc import Iterator

from infra.stages.regions import BUDGETS, MEDIA_CONVERT, REGIONS

INTRODUCTION = """\
# Regions

A stage can be deployed to each of these regions: CloudFormation offers every type of resource there that any setting
asks for, but for the gaps in this table. A stage whose settings need what its region has not is refused before anything
is synthesized, with what to do instead; `sluice doctor --stage NAME --region REGION` says the same.

| group | region | `monthly_budget_dollars` | `long_videos = "mediaconvert"` |
| --- | --- | --- | --- |
"""
SOURCES = """
Where from: budgets and all other types from the CloudFormation schemas of each region, as cfn-lint ships them;
MediaConvert from botocore's endpoints. `tests/infra/test_regions.py` compares this table, and every type of every
stage's templates, with both. Regions that are not here are not refused; nothing is known of them.

## Alternatives

* **A budget** belongs to the account, not to a region: set `monthly_budget_dollars = 0` and make one for the tag
  `stage` in the Billing console. GovCloud has none of its own; its costs are in the standard account that pays for it.
* **Long videos**: `long_videos = "parts"`, the default, has functions convert them, everywhere.

## GovCloud and China

Templates and definitions name the partition that they are deployed to. Everything there is as little proven as
elsewhere on AWS ([deploying.md](deploying.md#what-was-tested-and-how)), and these not even by documentation:

* `customer_key` in China: roles may use the key through hosts that end in `amazonaws.com`; whether KMS says so there or
  `amazonaws.com.cn` is written nowhere that we found.
* The roles for GitHub in China: the audience of GitHub's token is the one of all other regions.
* The console's links to AWS's own console lead to that of the standard regions.
* Prices in `sluice cost` are those of us-east-1.
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(_rows()) + SOURCES


def _rows() -> Iterator[str]:
    for group, regions in REGIONS.items():
        for region in regions:
            cells = ("–" if region in service.missing_in else "yes" for service in (BUDGETS, MEDIA_CONVERT))
            yield f"| {group} | {region} | {' | '.join(cells)} |\n"
