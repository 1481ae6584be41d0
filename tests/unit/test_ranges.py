"""A file over ranges reads like the file, asks for little, and asks for more at a time when it is read through."""

import io

from hypothesis import given
from hypothesis import strategies as st

from tasks.shared.ranges import KEPT_BLOCKS, MAX_BLOCKS_A_READ, RangeFile

CONTENT = bytes(at * 7 % 251 for at in range(10_000))


def over(content: bytes, block_bytes: int = 100) -> RangeFile:
    return RangeFile(lambda start, end: content[start:end], len(content), block_bytes)


steps = st.lists(
    st.tuples(
        st.integers(-12_000, 12_000), st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]), st.integers(0, 900)
    ),
    max_size=20,
)


@given(steps)
def test_reads_like_the_file_it_stands_for(steps):
    found, expected = io.BufferedReader(over(CONTENT), 64), io.BytesIO(CONTENT)
    for offset, whence, count in steps:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: expected.tell(), io.SEEK_END: len(CONTENT)}[whence]
        target = max(0, base + offset)
        found.seek(target)
        expected.seek(target)
        assert found.read(count) == expected.read(count)


def test_seeks_relative_to_start_position_and_end():
    file = over(CONTENT)
    assert file.seek(10) == 10
    assert file.seek(5, io.SEEK_CUR) == 15
    assert file.seek(-1, io.SEEK_END) == 9_999
    assert file.read(5) == CONTENT[-1:]
    assert file.read(5) == b""


def test_a_look_at_both_ends_is_two_reads():
    file = over(CONTENT)
    for _ in range(3):
        file.seek(0)
        file.read(80)
        file.seek(-80, io.SEEK_END)
        file.read(80)
    assert (file.reads, file.bytes_read) == (2, 200)


def test_reading_through_asks_for_more_at_a_time_and_for_nothing_twice():
    file = over(CONTENT)
    assert file.readall() == CONTENT
    assert file.bytes_read == len(CONTENT)
    assert file.reads <= 3 + -(-len(CONTENT) // (MAX_BLOCKS_A_READ * 100))


def test_few_blocks_are_kept():
    asked: list[int] = []

    def read_range(start: int, end: int) -> bytes:
        asked.append(start)
        return CONTENT[start:end]

    file = RangeFile(read_range, len(CONTENT), 100)
    for at in range(0, 4_000, 200):
        file.seek(at)
        file.read(10)
    file.seek(0)
    file.read(10)
    assert len(asked) > KEPT_BLOCKS
    assert asked.count(0) == 2
