"""A stage with the settings that none of ours has, and that a team may want."""

from infra.settings import Settings

OTHERWISE = Settings(
    stage="otherwise",
    long_videos="mediaconvert",
    partition_by="day",
    glue_database="lake",
    sweep_every_minutes=1,
)
