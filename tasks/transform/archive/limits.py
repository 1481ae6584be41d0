"""What an archive may be: all of it is checked against its directory before anything is unpacked, and again after."""

from dataclasses import dataclass

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, unpacked; `max_ratio` counts for files of more than `ratio_from_bytes`: logs pack that well, too.

    `max_depth` is how many archives may be in one another: 1 is an archive without archives.
    """

    max_files: int = 1000
    max_file_bytes: int = 5 * GIB
    max_total_bytes: int = 10 * GIB
    max_ratio: int = 100
    ratio_from_bytes: int = 64 * MIB
    max_depth: int = 2
    max_part_bytes: int = 255
    max_name_bytes: int = 700
    max_directory_bytes: int = 16 * MIB


LIMITS = Limits()
