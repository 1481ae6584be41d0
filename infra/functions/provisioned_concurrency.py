"""Where a stage wants it, provisioned concurrency by the clock, of the very versions that the definition names.

A deployment registers the new versions, and AWS leaves the old ones as warm as they were when it forgets them:
`sluice deploy` and `sluice versions --prune` take it from them.
"""

from collections.abc import Mapping

from aws_cdk import aws_applicationautoscaling as autoscaling

from infra.functions.settings import ProvisionedConcurrency
from infra.functions.task_function import TaskFunction
from infra.stages.settings import Settings

Action = autoscaling.CfnScalableTarget.ScheduledActionProperty


def provision(settings: Settings, functions: Mapping[str, TaskFunction]) -> None:
    wanted = settings.functions.provisioned_concurrency
    if wanted is None:
        return
    for name, ready in wanted.functions.items():
        function = functions[name].function
        autoscaling.CfnScalableTarget(
            functions[name],
            "Warm",  # another name would make a second target of the same version
            service_namespace="lambda",
            scalable_dimension="lambda:function:ProvisionedConcurrency",
            resource_id=f"function:{function.function_name}:{function.current_version.version}",
            min_capacity=0,
            max_capacity=ready,
            scheduled_actions=_by_the_clock(wanted, ready),
        )


def _by_the_clock(wanted: ProvisionedConcurrency, ready: int) -> list[Action]:
    return [_action("from", wanted.from_, wanted.timezone, ready), _action("to", wanted.to, wanted.timezone, 0)]


def _action(name: str, schedule: str, timezone: str, capacity: int) -> Action:
    """From then on exactly as many, until another action says otherwise."""
    return Action(
        scheduled_action_name=name,
        schedule=schedule,
        timezone=timezone,
        scalable_target_action=autoscaling.CfnScalableTarget.ScalableTargetActionProperty(
            min_capacity=capacity, max_capacity=capacity
        ),
    )
