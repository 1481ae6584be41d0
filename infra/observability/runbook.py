"""How alarms are called, and how they lead to the heading in docs/runbook.md that says what to do."""

from infra.stages.settings import Settings
from workflow.names import resource_name

RUNBOOK = "docs/runbook.md"


def alarm_name(settings: Settings, heading: str) -> str:
    return resource_name(settings.stage, heading)


def described(heading: str, means: str) -> str:
    return f"{means}. What to do: {RUNBOOK}#{heading}"
