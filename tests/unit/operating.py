"""A deployed stage as an operator's commands see it: the client on the AWS and the state machine of these tests."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.unit.cloud import (
    ARCHIVE,
    EXPANDED,
    INGEST,
    OPERATIONS,
    OUTPUT,
    QUARANTINE,
    REGION,
    STATE_MACHINE,
    TABLE,
    TOPIC,
    Cloud,
    client,
)  # fmt: skip
from workflow.operator.client import Sluice
from workflow.operator.stack import SOURCES, Buckets, Stack

DEAD_LETTERS = ("events", "failures", "restores", "sweeps", "requests", "webhook", "audit", "telemetry")


@dataclass
class Lambda:
    """Takes events for functions, as Lambda's queue does."""

    invoked: list[tuple[str, bytes]] = field(default_factory=list)

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> Any:  # noqa: N803 - AWS's spelling
        assert InvocationType == "Event"
        self.invoked.append((FunctionName, Payload))
        return {"StatusCode": 202}


def operated(cloud: Cloud) -> Sluice:
    """The client."""
    queues = {name: cloud.sqs.create_queue(QueueName=name)["QueueUrl"] for name in DEAD_LETTERS}
    sources = {name: cloud.sqs.create_queue(QueueName=f"{name}-source")["QueueUrl"] for name in SOURCES}
    stack = Stack(
        stage="test",
        endpoint=None,
        region=REGION,
        state_machine_arn=STATE_MACHINE,
        state_machine_alias_arn=f"{STATE_MACHINE}:live",
        reprocess_machine_arn=STATE_MACHINE.replace("ingest", "reprocess"),
        table=TABLE,
        topic=TOPIC,
        outcome_bus="",
        buckets=Buckets(INGEST, OUTPUT, ARCHIVE, QUARANTINE, EXPANDED, OPERATIONS),
        dead_letters=queues,
        sources=sources,
    )
    clients = {name: getattr(cloud, name) for name in ("s3", "dynamodb", "sns", "sqs", "stepfunctions", "ssm")}
    clients |= {"cloudformation": client("cloudformation"), "client": client}
    return Sluice(SimpleNamespace(stage="test", stack=stack, lambda_=Lambda(), **clients))
