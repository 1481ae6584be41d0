"""What happens to an uploaded file, in which order, and what starts, watches and mends it."""

PIPELINE_VERSION = "2"
"""Written into every record; raised when the same file and settings give another result."""
