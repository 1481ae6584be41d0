"""What AWS charges in us-east-1, in US dollars before any free tier, as listed on 2026-11-23; the one table of prices.

A price is a number, of one unit, that knows how it is quoted and where. Other regions differ by some tenths.
"""

from typing import Self

LISTED = "2026-11-23"

STEP_FUNCTIONS = "AWS Step Functions Pricing"
LAMBDA = "AWS Lambda Pricing"
S3 = "Amazon S3 pricing"
DYNAMODB = "Pricing for On-Demand Capacity (Amazon DynamoDB)"
EVENTBRIDGE = "Amazon EventBridge pricing"
SNS = "Amazon SNS pricing"
CLOUDWATCH = "Amazon CloudWatch Pricing"
XRAY = "AWS X-Ray pricing"
FARGATE = "AWS Fargate Pricing"

THOUSAND, MILLION = 1_000, 1_000_000


class Price(float):
    """Dollars for one unit; quoted as `quoted` for `per` of them on the page titled `source`."""

    quoted: float
    per: int
    of: str
    source: str

    def __new__(cls, quoted: float, of: str, source: str, per: int = 1) -> Self:
        price = super().__new__(cls, quoted / per)
        price.quoted, price.per, price.of, price.source = quoted, per, of, source
        return price


STATE_TRANSITION = Price(0.025, "state transitions of Standard workflows", STEP_FUNCTIONS, THOUSAND)
EXPRESS_REQUEST = Price(1.00, "executions of Express workflows", STEP_FUNCTIONS, MILLION)
EXPRESS_GB_SECOND = Price(0.00001667, "GB-second of Express workflows, the first 3.6 million", STEP_FUNCTIONS)

LAMBDA_REQUEST = Price(0.20, "invocations", LAMBDA, MILLION)
LAMBDA_GB_SECOND = Price(0.0000133334, "GB-second on Arm, the first 7.5 billion", LAMBDA)
LAMBDA_X86_GB_SECOND = Price(0.0000166667, "GB-second on x86, the first 6 billion", LAMBDA)
LAMBDA_SCRATCH_GB_SECOND = Price(0.0000000309, "GB-second of /tmp beyond 512 MB", LAMBDA)

S3_WRITE = Price(0.005, "PUT, COPY, POST and LIST requests, Standard", S3, THOUSAND)
S3_READ = Price(0.0004, "GET and HEAD requests, Standard", S3, THOUSAND)
S3_STANDARD = Price(0.023, "GB-month in Standard, the first 50 TB", S3)
S3_STANDARD_IA = Price(0.0125, "GB-month in Standard-IA", S3)
S3_GLACIER_IR = Price(0.004, "GB-month in Glacier Instant Retrieval", S3)
S3_GLACIER = Price(0.0036, "GB-month in Glacier Flexible Retrieval", S3)
S3_DEEP_ARCHIVE = Price(0.00099, "GB-month in Glacier Deep Archive", S3)
S3_TO_STANDARD_IA = Price(0.01, "PUT requests and lifecycle moves into Standard-IA", S3, THOUSAND)
S3_TO_GLACIER_IR = Price(0.02, "PUT requests and lifecycle moves into Glacier Instant Retrieval", S3, THOUSAND)
S3_TO_GLACIER = Price(0.03, "PUT requests and lifecycle moves into Glacier Flexible Retrieval", S3, THOUSAND)
S3_TO_DEEP_ARCHIVE = Price(0.05, "PUT requests and lifecycle moves into Glacier Deep Archive", S3, THOUSAND)

GLACIER_STANDARD = Price(0.01, "GB restored from Glacier Flexible Retrieval, Standard", S3)
GLACIER_EXPEDITED = Price(0.03, "GB restored from Glacier Flexible Retrieval, Expedited", S3)
GLACIER_BULK = Price(0.0, "GB restored from Glacier Flexible Retrieval, Bulk", S3)
DEEP_ARCHIVE_STANDARD = Price(0.02, "GB restored from Glacier Deep Archive, Standard", S3)
DEEP_ARCHIVE_BULK = Price(0.0025, "GB restored from Glacier Deep Archive, Bulk", S3)
GLACIER_STANDARD_REQUEST = Price(0.05, "requests to restore from Glacier Flexible Retrieval, Standard", S3, THOUSAND)
GLACIER_EXPEDITED_REQUEST = Price(10.00, "requests to restore from Glacier Flexible Retrieval, Expedited", S3, THOUSAND)
GLACIER_BULK_REQUEST = Price(0.0, "requests to restore from Glacier Flexible Retrieval, Bulk", S3, THOUSAND)
DEEP_ARCHIVE_STANDARD_REQUEST = Price(0.10, "requests to restore from Glacier Deep Archive, Standard", S3, THOUSAND)
DEEP_ARCHIVE_BULK_REQUEST = Price(0.025, "requests to restore from Glacier Deep Archive, Bulk", S3, THOUSAND)

DYNAMODB_WRITE = Price(0.625, "write request units, of up to 1 KB each", DYNAMODB, MILLION)
DYNAMODB_READ = Price(0.125, "read request units, of up to 4 KB each, consistent", DYNAMODB, MILLION)
DYNAMODB_STORAGE = Price(0.25, "GB-month of table and indexes", DYNAMODB)
DYNAMODB_RECOVERY = Price(0.20, "GB-month of point-in-time recovery", DYNAMODB)

EVENT = Price(1.00, "custom events, and those that a service sends on request, as S3", EVENTBRIDGE, MILLION)
SNS_PUBLISH = Price(0.50, "publishes", SNS, MILLION)
LOG_GB = Price(0.50, "GB of logs taken in", CLOUDWATCH)
LOG_STORAGE = Price(0.03, "GB-month of logs kept, compressed", CLOUDWATCH)
XRAY_TRACE = Price(5.00, "traces recorded", XRAY, MILLION)

FARGATE_VCPU_HOUR = Price(0.03238, "vCPU-hour on Arm", FARGATE)
FARGATE_GB_HOUR = Price(0.00356, "GB-hour on Arm", FARGATE)

TABLE: tuple[Price, ...] = tuple(price for price in tuple(globals().values()) if isinstance(price, Price))
"""All of them, in the order above."""
