"""What works: the functions, the state machine that calls them, and the rules that start and watch it."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import rules
from infra.conversion import allow_conversion, conversion_role
from infra.function_code import function_code
from infra.needs import allow, needs_of
from infra.settings import Settings
from infra.storage import Storage
from infra.task_function import TaskFunction
from workflow.ingest import ingest
from workflow.limits import FUNCTIONS

FAILURE_RECORDER = "record_failure"
FAILURE_RECORDER_RETRIES = 2
DELIVERY_MAX_AGE_HOURS = 24
DELIVERY_RETRIES = 185
"""EventBridge's own maxima: a whole day of trouble loses no event."""
DEAD_LETTERS_KEPT_DAYS = 14

UPLOAD = {
    "bucket": "$.detail.bucket.name",
    "key": "$.detail.object.key",
    "version_id": "$.detail.object.version-id",
    "size": "$.detail.object.size",
    "etag": "$.detail.object.etag",
    "sequencer": "$.detail.object.sequencer",
    "event_id": "$.id",
}
"""The execution input, from S3's event. Whole values only: EventBridge escapes nothing inside a string."""


class Pipeline(cdk.Stack):
    """The stack `sluice-<stage>-pipeline`. `packages` has a folder or zip per function; None runs the source tree."""

    def __init__(
        self, scope: Construct, settings: Settings, storage: Storage, packages: Mapping[str, Path] | None
    ) -> None:
        name = f"sluice-{settings.stage}-pipeline"
        super().__init__(scope, name, stack_name=name)
        self._settings = settings
        self._events_dlq = self._dead_letters("EventsDlq")
        rules.acknowledge(
            self._events_dlq,
            rules.QUEUE_WITHOUT_DLQ,
            "It is the dead-letter queue: of a rule, where cdk-nag does not look",
        )
        self._failures_dlq = self._dead_letters("FailuresDlq")
        self._functions = self._make_functions(storage, packages)
        self._machine = self._make_machine(storage)
        self._start_on_upload(storage)
        self._record_failures()
        self._publish_names()

    @property
    def _machine_name(self) -> str:
        return f"sluice-{self._settings.stage}-ingest"

    def _dead_letters(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(DEAD_LETTERS_KEPT_DAYS),
        )

    def _make_functions(self, storage: Storage, packages: Mapping[str, Path] | None) -> dict[str, TaskFunction]:
        code_of = function_code(self, packages)
        needs = needs_of(storage, self._settings, self._executions_arn())
        dead_letters = {FAILURE_RECORDER: self._failures_dlq}
        return {
            function: TaskFunction(
                self,
                function,
                settings=self._settings,
                code=code_of(function),
                needs=needs[function],
                dead_letters=dead_letters.get(function),
            )
            for function in FUNCTIONS
        }

    def _executions_arn(self) -> str:
        return self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self._machine_name}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    def _make_machine(self, storage: Storage) -> sfn.StateMachine:
        arns = {name: each.function.function_arn for name, each in self._functions.items() if name != FAILURE_RECORDER}
        long_videos = self._settings.long_videos
        role = conversion_role(self, storage) if long_videos == "mediaconvert" else None
        machine = sfn.StateMachine(
            self,
            "Ingest",
            state_machine_name=self._machine_name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(ingest(long_videos).to_json()),
            definition_substitutions=arns | ({"conversion_role": role.role_arn} if role else {}),
            logs=self._make_machine_log(),
            tracing_enabled=True,
        )
        machine.add_to_role_policy(allow(["lambda:InvokeFunction"], *arns.values()))
        if role:
            allow_conversion(machine, role)
        rules.acknowledge_unnamed_service(machine)
        return machine

    def _make_machine_log(self) -> sfn.LogOptions:
        """All events in every stage: they cost a tenth of the transitions that they tell of.

        The name's prefix keeps the account's log resource policy from growing with every state machine.
        """
        log_group = logs.LogGroup(
            self,
            "IngestLogs",
            log_group_name=f"/aws/vendedlogs/states/{self._machine_name}",
            retention=logs.RetentionDays(self._settings.log_retention),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        return sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True)

    def _start_on_upload(self, storage: Storage) -> None:
        execution_input = {name: events.EventField.from_path(path) for name, path in UPLOAD.items()}
        events.Rule(
            self,
            "OnUpload",
            description="Starts an execution for every object that reaches a bucket of those that lead in",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [storage.ingest.bucket_name, storage.expanded.bucket_name]}},
            ),
            targets=[
                targets.SfnStateMachine(
                    self._machine,
                    input=events.RuleTargetInput.from_object(execution_input | {"trigger": "upload"}),
                    dead_letter_queue=self._events_dlq,
                    max_event_age=cdk.Duration.hours(DELIVERY_MAX_AGE_HOURS),
                    retry_attempts=DELIVERY_RETRIES,
                )
            ],
        )

    def _record_failures(self) -> None:
        """Also what no Catch sees: timeouts of the whole execution, and aborts."""
        recorder = self._functions[FAILURE_RECORDER].function
        recorder.configure_async_invoke(retry_attempts=FAILURE_RECORDER_RETRIES)
        events.Rule(
            self,
            "OnFailure",
            description="Records executions that failed, timed out or were aborted",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self._machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[
                targets.LambdaFunction(
                    recorder,
                    dead_letter_queue=self._failures_dlq,
                    max_event_age=cdk.Duration.hours(DELIVERY_MAX_AGE_HOURS),
                    retry_attempts=DELIVERY_RETRIES,
                )
            ],
        )

    def _publish_names(self) -> None:
        outputs = {
            "StateMachineArn": self._machine.state_machine_arn,
            "EventsDlqUrl": self._events_dlq.queue_url,
            "FailuresDlqUrl": self._failures_dlq.queue_url,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
