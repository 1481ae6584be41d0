"""Every limit of the table kind: what a file may hold, and what its conversion may use."""

from dataclasses import dataclass

from workflow.units import MIB


@dataclass(frozen=True)
class Limits:
    """Limits of one table or workbook. A row is bad if it cannot be read; up to `few_bad_rows` never fail a file."""

    max_unpacked_bytes: int = 4096 * MIB
    max_unpacked_ratio: int = 200
    always_unpacked_bytes: int = 256 * MIB
    max_columns: int = 1500
    max_tables: int = 30
    max_rows: int = 500_000_000
    max_json_value_bytes: int = 16 * MIB
    max_json_document_bytes: int = 256 * MIB
    max_line_bytes: int = 8 * MIB
    max_bad_share: float = 0.05
    max_bad_rows: int = 100_000
    few_bad_rows: int = 3
    max_partitions: int = 30
    max_workbook_memory_bytes: int = 1536 * MIB
    max_workbook_seconds: int = 240
    engine_memory_bytes: int = 400 * MIB
    engine_threads: int = 1


LIMITS = Limits()
"""One thread: the same file gives the same bytes, and memory does not grow with the machine."""
