"""Patches of ministack's state on disk: one module per defect, or what several of them share."""
