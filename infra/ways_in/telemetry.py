"""The telemetry stream: who puts JSON objects into it finds them in the ingest bucket as NDJSON, a minute later."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.functions.permissions import Needs, Resources, allow
from infra.functions.streams import StreamReader
from infra.stages.settings import Settings
from tasks.telemetry.batches import PREFIX
from workflow.names import resource_name

RECORDS_AT_ONCE = 10_000
WINDOW_SECONDS = 60
"""An object of what came in a minute: files should be large, for Parquet's sake as for the price of each."""
READ = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")


class TelemetryStream(Construct):
    """The stream `sluice-<stage>-telemetry`, which grows and shrinks with what is put into it; and its reader."""

    def __init__(self, scope: Construct, settings: Settings, function: lambda_.Function) -> None:
        super().__init__(scope, "TelemetryStream")
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_name=resource_name(settings.stage, "telemetry"),
            stream_mode=kinesis.StreamMode.ON_DEMAND,
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        function.add_to_role_policy(allow([f"kinesis:{each}" for each in READ], self.stream.stream_arn))
        reader = StreamReader(
            self,
            "Reader",
            function,
            self.stream.stream_arn,
            batch_size=RECORDS_AT_ONCE,
            max_batching_window=cdk.Duration.seconds(WINDOW_SECONDS),
            bisect_batch_on_error=False,
            report_batch_item_failures=False,
        )
        self.dead_letters = reader.dead_letters
        function.add_environment("REJECTS_URL", self.dead_letters.queue_url)


def needs(resources: Resources) -> dict[str, Needs]:
    """What the stream's reader is given; the stream, where that is made."""
    if not resources.settings.ways_in.telemetry_stream:
        return {}
    write = allow(["s3:PutObject"], f"{resources.ingest}/{PREFIX}*")
    return {"telemetry": Needs(resources.environment("INGEST_BUCKET"), [write])}
