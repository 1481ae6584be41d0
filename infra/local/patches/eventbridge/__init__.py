"""Patches of ministack's EventBridge: one module per defect, or what several of them share."""
