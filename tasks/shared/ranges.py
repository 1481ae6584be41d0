"""A large object as a seekable file that is read by ranges: who reads a part of it gets that part, and little more."""

import io
from collections import OrderedDict
from collections.abc import Callable

from workflow.units import MIB

BLOCK_BYTES = MIB
KEPT_BLOCKS = 16
MAX_BLOCKS_A_READ = 8


class RangeFile(io.RawIOBase):
    """`read_range(start, end)` gives the bytes from `start` up to, not including, `end`.

    Reads that follow one another ask for more at a time; `reads` and `bytes_read` count what was asked for.
    """

    def __init__(self, read_range: Callable[[int, int], bytes], size: int, block_bytes: int = BLOCK_BYTES) -> None:
        super().__init__()
        self._read_range = read_range
        self._block_bytes = block_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._next_block, self._blocks_a_read = -1, 1
        self.size = size
        self.reads = self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: "memoryview[int]") -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Up to the end of the block: io.RawIOBase may give fewer bytes than were asked for."""
        if self._position >= self.size:
            return 0
        number, at = divmod(self._position, self._block_bytes)
        part = self._block(number)[at : at + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._fetch(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int) -> None:
        goes_on = number == self._next_block
        self._blocks_a_read = min(2 * self._blocks_a_read, MAX_BLOCKS_A_READ) if goes_on else 1
        start = number * self._block_bytes
        data = self._read_range(start, min(self.size, start + self._blocks_a_read * self._block_bytes))
        self.reads += 1
        self.bytes_read += len(data)
        for at in range(0, len(data), self._block_bytes):
            self._blocks[number + at // self._block_bytes] = data[at : at + self._block_bytes]
        self._next_block = number + self._blocks_a_read
        while len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
