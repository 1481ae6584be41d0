"""Seeing how a stage does: a dashboard, alarms for what a person must act on, saved queries and a budget.

Each alarm leads to its heading in docs/runbook.md, and all of them speak through one topic.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions.task_function import TaskFunction
from infra.observability.alarms import Alarms
from infra.observability.budget import monthly_budget
from infra.observability.dashboard import dashboard
from infra.observability.measures import Measures
from infra.observability.queries import save_queries
from infra.observability.topic import AlarmTopic
from infra.stages.settings import Settings


class Observability(Construct):
    """Of everything that is in `stack` by now. `failures` is the alarm that deployments are watched by."""

    def __init__(
        self,
        stack: cdk.Stack,
        settings: Settings,
        functions: Mapping[str, TaskFunction],
        machine: sfn.StateMachine,
        reprocess: sfn.StateMachine,
        failures: cloudwatch.Alarm,
    ) -> None:
        super().__init__(stack, "Observability")
        topic = AlarmTopic(self, settings)
        measures = Measures(self, settings, functions, machine, reprocess)
        alarms = Alarms(self, settings, measures, topic.topic, failures)
        save_queries(self, settings, functions)
        if settings.observability.monthly_budget_dollars:
            monthly_budget(self, settings, topic)
        dashboard(self, settings, measures, failures.metric, alarms.all)
        self.outputs = {"AlarmTopicArn": topic.topic.topic_arn}
