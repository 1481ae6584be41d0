"""For the states that every file enters, but for those that read or move its original."""

import aws_cdk as cdk

from infra.functions.permissions import (
    FIND,
    LIVE,
    RECORD,
    TABLE_AND_PLACES,
    Needs,
    Resources,
    allow,
    tell_missing,
    tell_missing_versions,
)
from workflow.limits import functions_of


def needs(resources: Resources) -> dict[str, Needs]:
    return {
        "validate": _validate(resources),
        **dict.fromkeys(functions_of("thumbnail"), _thumbnail(resources)),
        "store_metadata": _store_metadata(resources),
        "notify": Needs(
            resources.environment("TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS"),
            [*resources.publish(), allow(RECORD, resources.table)],
        ),
    }


def _validate(resources: Resources) -> Needs:
    return Needs(
        resources.environment(*TABLE_AND_PLACES, "EXPAND_ARCHIVES", "BIG_FILES", *LIVE),
        [
            allow(FIND, *resources.originals),
            resources.read_live_settings(),
            tell_missing(resources.archive, resources.quarantine),
            tell_missing_versions(resources.ingest, resources.expanded),
            allow(RECORD, resources.table),
            allow(["dynamodb:Query"], *resources.index("by_key")),
        ],
    )


def _thumbnail(resources: Resources) -> Needs:
    """The same for the functions of all kinds: they differ in what they import, not in what they touch."""
    return Needs(
        resources.environment("OUTPUT_BUCKET"),
        [
            allow(["s3:GetObject"], f"{resources.output}/renditions/*"),
            allow(["s3:PutObject"], f"{resources.output}/thumbnails/*"),
        ],
    )


def _store_metadata(resources: Resources) -> Needs:
    """Also the tables of the Glue database, where the stage has one. Glue asks for all three of their levels."""
    sidecar = allow(["s3:GetObject", "s3:PutObject"], f"{resources.output}/metadata/*")
    needs = Needs(resources.environment("TABLE_NAME", "OUTPUT_BUCKET"), [sidecar, allow(RECORD, resources.table)])
    database = resources.settings.storage.glue_database
    if not database:
        return needs
    levels = ("catalog", f"database/{database}", f"table/{database}/*")
    arns = (
        resources.storage.format_arn(service="glue", resource=level, arn_format=cdk.ArnFormat.NO_RESOURCE_NAME)
        for level in levels
    )
    tables = allow(["glue:CreateTable", "glue:GetTable", "glue:UpdateTable"], *arns)
    return needs.more({"GLUE_DATABASE": database}, tables)
