"""For Transform, the one that reads an original as a whole: its functions, and the container for big files."""

from infra.functions.permissions import READ, Needs, Resources, allow, tell_missing
from tasks.shared.naming import WORK
from workflow.kinds import BIG_FILE_MAX_BYTES
from workflow.limits import BIG_FILE_TASK, functions_of


def needs(resources: Resources) -> dict[str, Needs]:
    """The same for the functions of all kinds, which differ in what they import, but for what few of them make."""
    transform = Needs(
        resources.environment(
            "TABLE_NAME", "OUTPUT_BUCKET", "RENDITION_FORMATS", "PARTITION_BY", "PUBLISH_PRIVATE_METADATA"
        ),
        [
            allow(READ, *resources.originals),
            allow(["s3:PutObject"], f"{resources.output}/renditions/*", f"{resources.output}/metadata/*"),
            allow(["s3:GetObject"], *resources.made),
            tell_missing(resources.output),
            allow(["dynamodb:BatchGetItem"], resources.table),
            allow(["dynamodb:Query"], *resources.index("by_content")),
        ],
    )
    return {
        **dict.fromkeys(functions_of("transform"), transform),
        **_big_files(transform, resources),
        "transform_video": transform.more(resources.environment("LONG_VIDEO_CPU_SECONDS")),
        "transform_archive": transform.more(
            resources.environment("EXPANDED_BUCKET"),
            allow(["s3:PutObject"], f"{resources.expanded}/*"),
            allow(["dynamodb:Query"], *resources.index("by_key")),
        ),
    }


def _big_files(transform: Needs, resources: Resources) -> dict[str, Needs]:
    """The container tells what it made, and the function of the file's kind reads that."""
    if not resources.settings.files.big_files:
        return {}
    work = f"{resources.output}/{WORK}*"
    tells, reads = (transform.more({}, allow([f"s3:{verb}Object"], work)) for verb in ("Put", "Get"))
    return {BIG_FILE_TASK: tells, **{f"transform_{kind}": reads for kind in BIG_FILE_MAX_BYTES}}
