"""What happens to an uploaded file, and in which order: definitions, limits, errors, and the shapes between states.

Modules here are pure: no clients, files or screens. Operators' tools are in operator/, above all else.
"""

PIPELINE_VERSION = "2"
"""Written into every record; raised when the same file and settings give another result."""
