"""The request queue: bulk intake that goes only as fast as Step Functions takes it, and loses nothing meanwhile."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions.permissions import Needs, Resources, allow
from infra.security import nag_rules
from workflow.limits import FUNCTIONS

MESSAGES_AT_ONCE = 10
KEPT_DAYS = 14
MAX_RECEIVES = 100
"""Being slowed down counts as well: ten hours of it lose nothing. What is not understood does not wait that long."""
VISIBILITY_FACTOR = 6
"""Times the function's limit, as Lambda's guide has it: Lambda itself tries again when it is throttled."""


class RequestQueue(Construct):
    """The queue and its dead letters; `intake` takes up to `at_once` batches at the same time."""

    def __init__(self, scope: Construct, intake: lambda_.Function, *, at_once: int) -> None:
        super().__init__(scope, "Requests")
        self.dead_letters = self._queue("DeadLetters")
        nag_rules.acknowledge_dead_letters(self.dead_letters)
        self.queue = self._queue(
            "Queue",
            visibility_timeout=cdk.Duration.seconds(VISIBILITY_FACTOR * FUNCTIONS["intake"].timeout_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )
        intake.add_environment("DEAD_LETTERS_URL", self.dead_letters.queue_url)
        intake.add_to_role_policy(allow(["sqs:SendMessage"], self.dead_letters.queue_arn))
        receive = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], self.queue.queue_arn)
        intake.add_to_role_policy(receive)
        mapping = lambda_.EventSourceMapping(
            self,
            "Intake",
            target=intake,
            event_source_arn=self.queue.queue_arn,
            batch_size=MESSAGES_AT_ONCE,
            max_concurrency=at_once,
            report_batch_item_failures=True,
        )
        mapping.node.add_dependency(intake.role)
        nag_rules.acknowledge_queue_reader(mapping)

    def _queue(self, name: str, **more: object) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(KEPT_DAYS),
            **more,
        )


def needs(resources: Resources) -> dict[str, Needs]:
    """What takes the messages in is given the queue where that is made."""
    return {"intake": Needs({}, [])} if resources.settings.ways_in.request_queue_concurrency else {}
