"""Patches of ministack's S3: one module per defect, or what several of them share."""
