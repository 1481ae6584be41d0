"""The `sluice` command."""

from workflow.cli.app import main

__all__ = ["main"]
