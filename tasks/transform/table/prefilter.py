"""Tells from a file's bytes, at a tenth of the cost, that nothing is in it of what is looked for in every value.

What it finds may be none, as it does not know texts from numbers; what it does not find is nowhere in the file.
"""

from pathlib import Path

from workflow.units import MIB

PIECE_BYTES = MIB
_IN, _OUT = b"x", b" "


def has_run(path: Path, letters: bytes, length: int) -> bool:
    """Whether so many of these letters ever stand in a row."""
    marks = bytes((_IN if letter in letters else _OUT)[0] for letter in range(256))
    before = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            marked = before + piece.translate(marks)
            if _IN * length in marked:
                return True
            before = marked[-length + 1 :]
    return False
