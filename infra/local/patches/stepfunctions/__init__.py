"""Patches of ministack's Step Functions: one module per defect, or what several of them share."""
