"""The one place where the local stage differs from AWS: where a function's code comes from.

On AWS it is the function's own package. Locally it is an object named by two stack parameters, which holds the sources
of all functions; libraries come from this environment. A change of the code is thus a change of a parameter: functions
are updated and published, and nothing is synthesized again.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from infra.functions.code_parameters import CODE_BUCKET, CODE_KEY


def function_code(stack: cdk.Stack, packages: Mapping[str, Path] | None) -> Callable[[str], lambda_.Code]:
    """What gives each function of `stack` its code."""
    if packages is not None:
        return lambda function: lambda_.Code.from_asset(str(packages[function]))
    source_tree = lambda_.Code.from_cfn_parameters(
        bucket_name_param=cdk.CfnParameter(stack, CODE_BUCKET), object_key_param=cdk.CfnParameter(stack, CODE_KEY)
    )
    return lambda _function: source_tree
