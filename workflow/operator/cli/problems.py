"""What is told of a problem that is not a fault of Sluice."""

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from tasks.shared.executions import BusyError
from workflow.errors import SluiceError
from workflow.operator.cli import local, release
from workflow.operator.stack import NotThereError

OWN = (NotThereError, SluiceError, *local.ERRORS, *release.ERRORS)
"""Those whose message is a sentence for people."""


def sentence(problem: Exception) -> str | None:
    """The problem in words; None if it is a fault of Sluice."""
    if isinstance(problem, OWN):
        return str(problem)
    if isinstance(problem, EndpointConnectionError):
        return f"{problem} If that is the local stack, start it with `sluice up`."
    if isinstance(problem, ClientError | BotoCoreError | BusyError):
        return f"AWS error: {problem}"
    if isinstance(problem, UnicodeEncodeError):
        return f"{problem.object!r} is not written in UTF-8, as all names in AWS are."
    if isinstance(problem, OSError):
        return f"System error: {problem}"
    return None
