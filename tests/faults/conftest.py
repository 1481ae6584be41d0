"""The same functions as in the unit tests, over fakes of AWS, and worlds in which one thing breaks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import ModuleType

import pytest

from tests.faults.world import Undisturbed, World, new_world
from tests.unit.conftest import functions, loaded, log, no_network

__all__ = ["functions", "loaded", "log", "no_network"]


@pytest.fixture
def world_of(
    functions: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AbstractContextManager[World]]:
    """Makes a world of some bytes, and of a wire that breaks."""
    return partial(new_world, functions, monkeypatch)


@pytest.fixture(scope="session")
def known_runs() -> dict[bytes, Undisturbed]:
    return {}


@pytest.fixture
def undisturbed(
    world_of: Callable[..., AbstractContextManager[World]], known_runs: dict[bytes, Undisturbed]
) -> Callable[[bytes], Undisturbed]:
    """The run of an upload in which nothing breaks; made once."""

    def run(data: bytes) -> Undisturbed:
        if data not in known_runs:
            with world_of(data) as world:
                world.deliver()
                known_runs[data] = Undisturbed(list(world.wire.calls), world.made())
        return known_runs[data]

    return run
