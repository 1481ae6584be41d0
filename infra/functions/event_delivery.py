"""How hard events are tried before they go to a dead-letter queue: by EventBridge, and by the function called."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

MAX_AGE_HOURS = 24
RETRIES = 185
"""EventBridge's own maxima: a whole day of trouble loses no event."""
FUNCTION_RETRIES = 2
"""Lambda's own maximum, of a function that raised; then the event goes to the function's dead-letter queue."""


def delivered(dead_letters: sqs.Queue) -> dict[str, Any]:
    """Settings of a target."""
    return {
        "dead_letter_queue": dead_letters,
        "max_event_age": cdk.Duration.hours(MAX_AGE_HOURS),
        "retry_attempts": RETRIES,
    }
