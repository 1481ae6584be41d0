"""For the states that move an original."""

from infra.functions.permissions import (
    KEEP,
    RECORD,
    TAKE,
    TAKE_TAGS,
    Needs,
    Resources,
    allow,
    tell_missing,
    tell_missing_versions,
)


def needs(resources: Resources) -> dict[str, Needs]:
    return {"archive": _archive(resources), "quarantine": _quarantine(resources)}


def _archive(resources: Resources) -> Needs:
    return Needs(
        resources.environment("TABLE_NAME", "ARCHIVE_BUCKET", "ARCHIVE_STORAGE_CLASS"),
        [
            allow(TAKE, f"{resources.ingest}/*", f"{resources.expanded}/*", f"{resources.quarantine}/*"),
            allow(TAKE_TAGS, f"{resources.ingest}/*", f"{resources.quarantine}/*"),
            allow(KEEP, f"{resources.archive}/*"),
            tell_missing(resources.archive),
            tell_missing_versions(resources.ingest, resources.expanded, resources.quarantine),
            allow(RECORD, resources.table),
        ],
    )


def _quarantine(resources: Resources) -> Needs:
    return Needs(
        resources.environment(
            "TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS", "QUARANTINE_BUCKET", "ARCHIVE_BUCKET", "QUARANTINE_DAYS"
        ),
        [
            allow(TAKE, f"{resources.ingest}/*", f"{resources.expanded}/*"),
            allow(TAKE_TAGS, f"{resources.ingest}/*"),
            allow(KEEP, f"{resources.quarantine}/*"),
            tell_missing(resources.quarantine),
            tell_missing_versions(resources.ingest, resources.expanded),
            *resources.publish(),
            allow(RECORD, resources.table),
        ],
    )
