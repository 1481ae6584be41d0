"""How many inputs are generated: the same few in the ordinary tests, or SLUICE_EXAMPLES new ones on demand."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "0"))


def generated(few: int) -> Callable[[Any], Any]:
    """Marks a test of generated inputs; `few` is what takes about a second."""
    chosen = settings(
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return lambda test: pytest.mark.generated(chosen(test))
