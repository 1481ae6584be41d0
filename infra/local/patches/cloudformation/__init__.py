"""Patches of ministack's CloudFormation: one module per defect, or what several of them share."""
