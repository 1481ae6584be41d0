"""The `sluice` command."""

from workflow.operator.cli.commands import main

__all__ = ["main"]
