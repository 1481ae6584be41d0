"""The audit trail: each change of a record, from the table's stream into a bucket that only grows.

Its bucket refuses what would replace an object or remove one, whoever asks; a stage can have S3 lock them as well.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.functions.permissions import Needs, Resources, allow
from infra.functions.streams import StreamReader
from infra.functions.task_function import TaskFunction
from infra.security import nag_rules
from infra.storage.stack import Storage
from tasks.audit.changes import RECORD

BATCH = 100


def keep_trail(scope: Construct, storage: Storage, function: TaskFunction) -> dict[str, str]:
    """Has the function read the stream; the outputs by which the trail is found."""
    stream, streams = storage.table.table_stream_arn, f"{storage.export_value(storage.table.table_arn)}/stream/*"
    read = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    function.function.add_to_role_policy(allow(read, stream))
    function.function.add_to_role_policy(allow(["dynamodb:ListStreams"], streams))
    nag_rules.acknowledge_open_ends(function.function.role, [streams])
    reader = StreamReader(
        scope,
        "AuditTrail",
        function.function,
        stream,
        batch_size=BATCH,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        filters=[lambda_.FilterCriteria.filter({"dynamodb": {"Keys": {"sk": {"S": [RECORD]}}}})],
    )
    return {"AuditDlqUrl": reader.dead_letters.queue_url}


def needs(resources: Resources) -> dict[str, Needs]:
    """What the function is given, where the stage has a trail; the stream, where it is read."""
    bucket = resources.storage.audit
    if bucket is None:
        return {}
    changes = f"{resources.storage.export_value(bucket.bucket_arn)}/changes/*"
    return {"audit": Needs({"AUDIT_BUCKET": bucket.bucket_name}, [allow(["s3:PutObject"], changes)])}
