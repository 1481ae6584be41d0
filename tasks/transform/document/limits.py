"""What a document may be, and what the child that reads it may use."""

from tasks.shared.confined import Confines

MAX_PAGES = 5000
MAX_OBJECTS = 500_000
"""Each takes about 2 KB of memory while the file is rewritten."""

MAX_TEXT_CHARS = 20_000_000
MAX_TEXT_SECONDS = 90

CONFINES = Confines(memory_mb=2048, seconds=240, cpu_seconds=230)
