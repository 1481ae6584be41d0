"""Published versions of the functions.

They are kept when the template has newer ones, as executions in flight still call them.
"""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from infra.functions.code_parameters import CODE_KEY
from infra.stages.settings import Settings

KEPT = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""But what a failed deployment published goes with it: Lambda refuses to publish the same code twice in a row."""


def version_options(settings: Settings) -> lambda_.VersionOptions:
    """Of a stage that runs from source, the code is described by its digest: that is all the template knows of it."""
    code = cdk.Fn.ref(CODE_KEY) if settings.from_source else None
    return lambda_.VersionOptions(removal_policy=KEPT, description=code)


def published(function: lambda_.Function) -> str:
    """The ARN of the function's version. A new one is published whenever its code or configuration changes."""
    return function.current_version.function_arn
