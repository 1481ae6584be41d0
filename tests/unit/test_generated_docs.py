"""What docs/ and README have from code is what the code says now."""

import pytest

from workflow.operator.formatting import filled
from workflow.operator.generated import BLOCKS, ROOT, WHOLE, as_it_should_be


@pytest.mark.parametrize("name", [*WHOLE, *BLOCKS])
def test_it_is_as_code_writes_it(name: str) -> None:
    assert (ROOT / name).read_text() == as_it_should_be(name), "write it anew: poe docs"


def test_a_page_that_has_lost_a_block_is_not_taken_for_current() -> None:
    with pytest.raises(ValueError, match="0 blocks named 'failures'"):
        filled("# A page\n", {"failures": "| error |"})
