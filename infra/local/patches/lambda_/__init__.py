"""Patches of ministack's Lambda: one module per defect, or what several of them share."""
