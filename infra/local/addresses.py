"""Addresses of the embedded AWS that are not AWS's own."""

HEALTH_PATH = "/_ministack/health"
SAVE_PATH = "/_sluice/save"
"""POST here saves the state; answered when it is on disk."""
