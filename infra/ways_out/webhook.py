"""The webhook: outcomes from the stage's bus wait in a queue until the receiver has taken each of them."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions.event_delivery import delivered
from infra.functions.permissions import Needs, Resources, allow
from infra.security import nag_rules
from infra.stages.settings import Settings
from infra.storage.stack import Storage
from tasks.shared.outcome_events import SOURCE
from workflow.limits import FUNCTIONS

FUNCTION = "webhook"
KEY_CHARACTERS = 44
"""Letters and digits, which are base64 of 33 bytes as well: libraries of receivers take the key as it is."""
MESSAGES_AT_ONCE = 10
BATCHES_AT_ONCE = 5
"""More would not be kind to a receiver."""
MAX_RECEIVES = 100
"""With the function's delays that is 17 hours at least."""
KEPT_DAYS = 14
VISIBILITY_FACTOR = 6
QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
GET_KEY = "secretsmanager:GetSecretValue"


class Webhook(Construct):
    """The rule, the queue with its dead letters, and the secret with the key; `bus` is where outcomes are told."""

    def __init__(
        self, scope: Construct, settings: Settings, storage: Storage, function: lambda_.Function, bus: events.IEventBus
    ) -> None:
        super().__init__(scope, "WebhookDelivery")
        self.secret = self._make_secret()
        self.dead_letters = self._queue("DeadLetters")
        nag_rules.acknowledge_dead_letters(self.dead_letters)
        self.queue = self._queue(
            "Queue",
            visibility_timeout=cdk.Duration.seconds(VISIBILITY_FACTOR * FUNCTIONS[FUNCTION].timeout_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )
        self._let_serve(function)
        events.Rule(
            self,
            "OnOutcome",
            description="Hands the stage's outcomes to the webhook",
            enabled=not settings.ways_out.webhook_paused,
            event_bus=bus,
            event_pattern=events.EventPattern(source=[SOURCE], detail={"source": _sources(storage)}),
            targets=[targets.SqsQueue(self.queue, **delivered(self.dead_letters))],
        )

    def _make_secret(self) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "Key",
            description="Signs what Sluice's webhook sends; base64",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=KEY_CHARACTERS, exclude_punctuation=True
            ),
        )
        nag_rules.acknowledge_unrotated_key(secret)
        return secret

    def _let_serve(self, function: lambda_.Function) -> None:
        function.add_environment("WEBHOOK_SECRET_ARN", self.secret.secret_arn)
        function.add_environment("WEBHOOK_QUEUE_URL", self.queue.queue_url)
        function.add_to_role_policy(allow([GET_KEY], self.secret.secret_arn))
        function.add_to_role_policy(allow([f"sqs:{each}" for each in QUEUE_ACTIONS], self.queue.queue_arn))
        mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=function,
            event_source_arn=self.queue.queue_arn,
            batch_size=MESSAGES_AT_ONCE,
            max_concurrency=BATCHES_AT_ONCE,
            report_batch_item_failures=True,
        )
        nag_rules.acknowledge_queue_reader(mapping)
        mapping.node.add_dependency(function.role)

    def _queue(self, name: str, **more: object) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(KEPT_DAYS),
            **more,
        )


def _sources(storage: Storage) -> list[str]:
    """By which this stage's outcomes differ from those of other stages on the same bus."""
    return [f"/sluice/{bucket.bucket_name}" for bucket in (storage.ingest, storage.expanded)]


def needs(resources: Resources) -> dict[str, Needs]:
    """What the webhook's function is given; queue and key, where these are made."""
    url = resources.settings.ways_out.webhook_url
    return {FUNCTION: Needs({"WEBHOOK_URL": url}, [])} if url else {}
