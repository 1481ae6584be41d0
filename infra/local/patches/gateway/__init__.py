"""Patches of ministack's entrance, which all requests pass: one module per defect, or what several of them share."""
