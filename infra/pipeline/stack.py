"""What works: the functions, the state machine that calls them, and the rules that start and watch it."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions.code import function_code
from infra.functions.event_delivery import FUNCTION_RETRIES, delivered
from infra.functions.permissions import Needs, Resources
from infra.functions.provisioned_concurrency import provision
from infra.functions.task_function import TaskFunction
from infra.functions.versions import published
from infra.observability.observability import Observability
from infra.pipeline.audit_trail import keep_trail
from infra.pipeline.big_files import BigFiles
from infra.pipeline.mediaconvert import allow_conversion, conversion_role
from infra.pipeline.permissions.functions import needs_of
from infra.pipeline.reprocess import REPORTER, reprocess_machine
from infra.pipeline.restore import CONTINUER, continue_restored
from infra.pipeline.state_machine import executions_arn, machine_arn, machine_name, state_machine
from infra.pipeline.sweeper import SWEEPER, sweep_on_schedule
from infra.release import versions
from infra.security import nag_rules
from infra.security.encryption import encrypt, share
from infra.stages.settings import Settings
from infra.storage.live_settings import make_parameter
from infra.storage.stack import Storage
from infra.ways_in.ways_in import open_ways_in
from infra.ways_out.ways_out import open_ways_out
from workflow.events import ENDED_BADLY, INPUT_PATHS, OBJECT_CREATED, STATUS_CHANGE
from workflow.ingest import ingest
from workflow.limits import BIG_FILE_TASK, FUNCTIONS
from workflow.names import resource_name
from workflow.shapes import UPLOAD

INGEST = "ingest"
FAILURE_RECORDER = "record_failure"
DEAD_LETTERS_KEPT_DAYS = 14


class Pipeline(cdk.Stack):
    """The stack `sluice-<stage>-pipeline`. `packages` has a folder or zip per function; None runs the source tree.

    `revision` is the commit that the state machine's version is described by.
    """

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        storage: Storage,
        packages: Mapping[str, Path] | None,
        revision: str | None = None,
    ) -> None:
        name = resource_name(settings.stage, "pipeline")
        super().__init__(scope, name, stack_name=name)
        self._settings = settings
        self._events_dlq = self._dead_letters("EventsDlq")
        self._failures_dlq = self._dead_letters("FailuresDlq")
        self._restores_dlq = self._dead_letters("RestoresDlq")
        self._sweeps_dlq = self._dead_letters("SweepsDlq")
        make_parameter(self, settings)
        self._needs = self._find_needs(storage)
        self._functions = self._make_functions(packages)
        self._machine = self._make_machine(storage, revision)
        self._failures = versions.failures_alarm(self, settings, self._functions[FAILURE_RECORDER].log_group)
        self._live = self._make_live(revision)
        report = self._functions[REPORTER].function
        self._reprocess = reprocess_machine(self, settings, storage, self._live, report)
        self._start_on_upload(storage)
        self._record_failures()
        continue_restored(self, storage, self._functions[CONTINUER].function, self._restores_dlq)
        sweep_on_schedule(self, settings, self._functions[SWEEPER].function, self._sweeps_dlq)
        for function in (CONTINUER, SWEEPER):
            self._live.let_start(self._functions[function].function)
        self._ways_in = open_ways_in(self, settings, self._functions, self._live)
        self._trail = keep_trail(self, storage, self._functions["audit"]) if settings.audit_trail.enabled else {}
        self._ways_out = open_ways_out(self, settings, storage, self._functions)
        self._observability = Observability(
            self, settings, self._functions, self._machine, self._reprocess, self._failures
        )
        provision(settings, self._functions)
        if settings.observability.log_retention == "INFINITE":
            nag_rules.acknowledge_endless_logs(self)
        if storage.key:
            encrypt(self, storage.key)
            share(self, storage.key)
        self._publish_names()

    def _dead_letters(self, name: str) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(DEAD_LETTERS_KEPT_DAYS),
        )
        nag_rules.acknowledge_dead_letters(queue)
        return queue

    def _find_needs(self, storage: Storage) -> Mapping[str, Needs]:
        machine = machine_name(self._settings, INGEST)
        resources = Resources(
            storage, self._settings, machine=machine_arn(self, machine), executions=executions_arn(self, machine)
        )
        return needs_of(resources)

    def _make_functions(self, packages: Mapping[str, Path] | None) -> dict[str, TaskFunction]:
        code_of = function_code(self, packages)
        dead_letters = {
            FAILURE_RECORDER: self._failures_dlq,
            CONTINUER: self._restores_dlq,
            SWEEPER: self._sweeps_dlq,
        }
        return {
            function: TaskFunction(
                self,
                function,
                settings=self._settings,
                code=code_of(function),
                needs=self._needs[function],
                dead_letters=dead_letters.get(function),
            )
            for function in FUNCTIONS
            if function in self._needs
        }

    def _make_machine(self, storage: Storage, revision: str | None) -> sfn.StateMachine:
        long_videos = self._settings.files.long_videos
        definition = ingest(long_videos, big_files=self._settings.files.big_files).to_json()
        functions = {name: each.function for name, each in self._functions.items() if f"${{{name}}}" in definition}
        arns = {name: published(function) for name, function in functions.items()}
        role = conversion_role(self, storage) if long_videos == "mediaconvert" else None
        containers = (
            BigFiles(self, self._settings, self._needs[BIG_FILE_TASK]) if self._settings.files.big_files else None
        )
        machine = state_machine(
            self,
            INGEST,
            definition=versions.stamped(definition, revision),
            substitutions=arns
            | ({"conversion_role": role.role_arn} if role else {})
            | (containers.substitutions if containers else {}),
            settings=self._settings,
        )
        versions.allow_versions(machine, list(functions.values()))
        if role:
            allow_conversion(machine, role)
        if containers:
            containers.let_run(machine)
        return machine

    def _make_live(self, revision: str | None) -> versions.Live:
        return versions.Live(
            self, self._machine, rollout=self._settings.rollout, alarms=[self._failures], revision=revision
        )

    def _start_on_upload(self, storage: Storage) -> None:
        """Targets the alias, under a role for the state machine itself: that is what IAM looks at."""
        execution_input = {name: events.EventField.from_path(path) for name, path in INPUT_PATHS.items()}
        rule = events.Rule(
            self,
            "OnUpload",
            description="Starts an execution for every object that reaches a bucket of those that lead in",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=[OBJECT_CREATED],
                detail={"bucket": {"name": [storage.ingest.bucket_name, storage.expanded.bucket_name]}},
            ),
            targets=[
                targets.SfnStateMachine(
                    self._machine,
                    input=events.RuleTargetInput.from_object(execution_input | {"trigger": UPLOAD}),
                    **delivered(self._events_dlq),
                )
            ],
        )
        cast("events.CfnRule", rule.node.default_child).add_property_override("Targets.0.Arn", self._live.alias_arn)

    def _record_failures(self) -> None:
        """Also what no Catch sees: timeouts of the whole execution, and aborts."""
        recorder = self._functions[FAILURE_RECORDER].function
        recorder.configure_async_invoke(retry_attempts=FUNCTION_RETRIES)
        events.Rule(
            self,
            "OnFailure",
            description="Records executions that failed, timed out or were aborted",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=[STATUS_CHANGE],
                detail={
                    "stateMachineArn": [self._machine.state_machine_arn],
                    "status": list(ENDED_BADLY),
                },
            ),
            targets=[targets.LambdaFunction(recorder, **delivered(self._failures_dlq))],
        )

    def _publish_names(self) -> None:
        outputs = {
            "StateMachineArn": self._machine.state_machine_arn,
            "StateMachineAliasArn": self._live.alias_arn,
            "ReprocessStateMachineArn": self._reprocess.state_machine_arn,
            "EventsDlqUrl": self._events_dlq.queue_url,
            "FailuresDlqUrl": self._failures_dlq.queue_url,
            "RestoresDlqUrl": self._restores_dlq.queue_url,
            "SweepsDlqUrl": self._sweeps_dlq.queue_url,
            **self._ways_in,
            **self._observability.outputs,
            **self._trail,
            **self._ways_out,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
