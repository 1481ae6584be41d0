"""For the states that long videos enter."""

from infra.functions.permissions import READ, Needs, Resources, allow, tell_missing
from tasks.shared.naming import WORK


def needs(resources: Resources) -> dict[str, Needs]:
    work = f"{resources.output}/{WORK}*"
    recipe = resources.environment("OUTPUT_BUCKET", "PUBLISH_PRIVATE_METADATA")
    read = allow(READ, *resources.originals)
    return {
        "split_video": Needs(
            resources.environment("TABLE_NAME") | recipe,
            [
                read,
                allow(["s3:GetObject"], *resources.made),
                tell_missing(resources.output),
                allow(["dynamodb:BatchGetItem"], resources.table),
                allow(["dynamodb:Query"], *resources.index("by_content")),
            ],
        ),
        "convert_part": Needs(
            recipe, [read, allow(["s3:GetObject", "s3:PutObject"], work), tell_missing(resources.output)]
        ),
        "join_video": Needs(
            recipe,
            [
                read,
                allow(["s3:GetObject"], work),
                allow(["s3:PutObject"], f"{resources.output}/renditions/*", f"{resources.output}/metadata/*"),
            ],
        ),
    }
