"""What AWS charges, in US dollars, as listed for us-east-1 in November 2026; other regions differ by some tenths.

https://aws.amazon.com/step-functions/pricing/ https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/s3/pricing/
https://aws.amazon.com/dynamodb/pricing/on-demand/
"""

STATE_TRANSITION = 0.025 / 1_000
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_REQUEST = 0.20 / 1_000_000
S3_WRITE = 0.005 / 1_000
S3_READ = 0.0004 / 1_000
DYNAMODB_WRITE = 0.625 / 1_000_000
"""Of up to 1 KB."""
DYNAMODB_READ = 0.125 / 1_000_000
"""Of up to 4 KB, consistently."""
