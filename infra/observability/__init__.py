"""Seeing how a stage does: a dashboard, alarms for what a person must act on, saved queries and a budget.

Each alarm leads to its heading in docs/runbook.md, and all of them speak through one topic.
"""
