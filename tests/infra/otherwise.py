"""A stage with the settings that none of ours has, and that a team may want."""

from infra.stages.settings import HttpApi, Rollout, Settings, Warm

OTHERWISE = Settings(
    stage="otherwise",
    long_videos="mediaconvert",
    big_files=True,
    partition_by="day",
    glue_database="lake",
    sweep_every_minutes=1,
    rollout=Rollout("linear", percentage=25, interval_minutes=5),
    http_api=HttpApi("https://issuer.example/", ("sluice",)),
    request_queue=2,
    notification_topic=True,
    notification_partners=("111122223333",),
    alarm_emails=("on-call@example.com",),
    monthly_budget_dollars=50,
    outcome_bus="sluice-outcomes",
    webhook_url="https://hooks.example.com:8443/sluice?team=7",
    audit_trail=True,
    audit_lock_days=30,
    customer_key=True,
    archive_lock_days=365,
    permissions_boundary="team-boundary",
    warm=Warm({"validate": 5, "transform_image": 10}, "cron(0 8 ? * MON-FRI *)", "cron(0 18 ? * MON-FRI *)"),
)
