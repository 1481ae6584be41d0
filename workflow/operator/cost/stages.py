"""The lifecycle rules of a stage, as the model takes them."""

from infra.stages.settings import Settings
from workflow.operator.cost.storage import Plan


def plan_of(settings: Settings) -> Plan:
    return Plan(
        archive_class=settings.archive.storage_class,
        archive=tuple((tier.after_days, tier.storage_class) for tier in settings.archive.tiers),
        output=((settings.storage.output_ia_days, "STANDARD_IA"),) if settings.storage.output_ia_days else (),
        quarantine_days=settings.storage.quarantine_days,
    )
