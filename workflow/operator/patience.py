"""What AWS throttles is asked again, for as long as it takes: a quota refuses nothing of what was asked for in bulk."""

import random
from collections.abc import Callable
from time import sleep
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared.executions import BusyError
from workflow.errors import SluiceError
from workflow.operator.stack import NotThereError

T = TypeVar("T")

QUOTAS = frozenset(
    {
        "503",
        "ExecutionLimitExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""By which Step Functions, DynamoDB, S3, SQS and Lambda say that there was too much at once; S3's answer to a HEAD has
no words, only the number."""
LONGEST_PAUSE_SECONDS = 20
PROBLEMS = (NotThereError, SluiceError, ClientError, BotoCoreError, BusyError)
"""What may be in the way of one of many, and is told of that one alone."""


def patiently(work: Callable[[], T]) -> T:
    """Do what may be repeated; again, after pauses that grow, where a quota was in the way.

    All of it is repeated: what starts something, and what then looks at it, are two pieces of work.
    """
    longest = 1.0
    while True:
        try:
            return work()
        except BusyError:
            pass
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") not in QUOTAS:
                raise
        sleep(random.uniform(0, longest))  # noqa: S311 - nothing secret, only not all at the same time
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)
