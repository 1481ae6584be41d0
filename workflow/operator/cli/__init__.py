"""The `sluice` command."""

from workflow.operator.cli.app import main

__all__ = ["main"]
