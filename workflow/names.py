"""What a stage's resources are called: code that deploys and code that operates find each other by these names."""

import re

LOCAL = "local"
"""The stage of the laptop: it runs the source tree on the embedded AWS."""


def stage_name(stage: str) -> str:
    return f"sluice-{stage}"


def resource_name(stage: str, resource: str) -> str:
    """Of a stack, a state machine, a function's role and all else of which a stage has one by that name."""
    return f"{stage_name(stage)}-{resource}"


def function_name(stage: str, function: str) -> str:
    """Of a Lambda function, by its name in the table of limits."""
    return resource_name(stage, function.replace("_", "-"))


def task_name(state: str) -> str:
    """The task of a state of the definition: StoreMetadata → store_metadata."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", state).lower()
