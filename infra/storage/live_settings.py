"""The parameter of settings that operators change without a deployment.

The template has it empty, and never changes it: what operators wrote stays.
"""

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.stages.settings import Settings
from infra.storage.stack import Storage
from tasks.shared.live_settings import parameter_name


def make_parameter(scope: Construct, settings: Settings) -> None:
    ssm.StringParameter(
        scope,
        "LiveSettings",
        parameter_name=parameter_name(settings.stage),
        string_value="{}",
        description="What operators change while the stage runs; write it by `sluice settings`, which checks it",
    )


def parameter_arn(storage: Storage, settings: Settings) -> str:
    name = parameter_name(settings.stage).removeprefix("/")
    return storage.format_arn(service="ssm", resource="parameter", resource_name=name)
