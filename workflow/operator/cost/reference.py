"""A published cost table of such a pipeline, worked through again: its price of computing is 100 times too high.

It has 3 million invocations of 200 ms at 512 MB, and 5 TB in S3 Standard, each month.
"""

from workflow import prices
from workflow.operator.cost.bill import Line

INVOCATIONS = 3_000_000
MILLISECONDS = 200
MEMORY_GB = 0.5
STORED_GB = 5_000
PUBLISHED_COMPUTE = 500.0

GB_SECONDS = INVOCATIONS * MILLISECONDS / 1000 * MEMORY_GB


def lines() -> tuple[Line, ...]:
    """At the price on x86, as published; on Arm computing is a fifth cheaper still."""
    return (
        Line("Lambda", "invocations", INVOCATIONS, prices.LAMBDA_REQUEST),
        Line("Lambda", "GB-seconds", GB_SECONDS, prices.LAMBDA_X86_GB_SECOND),
        Line("S3 storage", "GB in STANDARD", STORED_GB, prices.S3_STANDARD),
    )


def published_price_per_ms() -> float:
    """What the table must have multiplied 600 million milliseconds by."""
    return PUBLISHED_COMPUTE / (INVOCATIONS * MILLISECONDS)


def price_per_ms() -> float:
    """What a millisecond at 512 MB costs."""
    return prices.LAMBDA_X86_GB_SECOND * MEMORY_GB / 1000
