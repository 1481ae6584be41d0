"""The templates of every stage, and ways to ask what is in them."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pytest

from infra.local.emulator import Emulator
from infra.stages.settings import Settings
from tests.assemblies import all_stages
from tests.infra.variants import STAGES, UNUSUAL
from tests.ports import free_port
from workflow.limits import FUNCTIONS
from workflow.operator.stack import LOCAL, Connection


@dataclass(frozen=True)
class Template:
    """One stack's template."""

    path: Path

    @cached_property
    def body(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources by logical id; `kind` as in `S3::Bucket`."""
        return {name: found for name, found in self.body["Resources"].items() if found["Type"] == f"AWS::{kind}"}

    def only(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """The properties of the one resource of a type whose logical id starts with `prefix`."""
        (found,) = (found for name, found in self.of_type(kind).items() if name.startswith(prefix))
        return found["Properties"]


@dataclass(frozen=True)
class Stage:
    """A stage's settings and both of its templates."""

    settings: Settings
    folder: Path

    @property
    def name(self) -> str:
        return self.settings.stage

    @cached_property
    def storage(self) -> Template:
        return Template(self.folder / f"sluice-{self.name}-storage.template.json")

    @cached_property
    def pipeline(self) -> Template:
        return Template(self.folder / f"sluice-{self.name}-pipeline.template.json")


@pytest.fixture(scope="session")
def stages() -> dict[str, Stage]:
    """Every stage."""
    folder = all_stages()
    return {name: Stage(settings, folder / name) for name, settings in {**STAGES, "unusual": UNUSUAL}.items()}


@pytest.fixture(params=list(STAGES))
def stage(stages: dict[str, Stage], request: pytest.FixtureRequest) -> Stage:
    """Each stage in turn."""
    return stages[request.param]


@pytest.fixture
def unusual(stages: dict[str, Stage]) -> Stage:
    """A stage with the settings that no stage of ours has."""
    return stages["unusual"]


@pytest.fixture
def storage(stage: Stage) -> Template:
    return stage.storage


@pytest.fixture
def pipeline(stage: Stage) -> Template:
    return stage.pipeline


def functions_in(pipeline: Template) -> list[str]:
    """Those that the stage has."""
    names = {each["Properties"]["FunctionName"] for each in pipeline.of_type("Lambda::Function").values()}
    return [task for task in FUNCTIONS if any(name.endswith(f"-{task.replace('_', '-')}") for name in names)]


def statements(policy_document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A policy's statements, with lists for single actions and resources."""
    for statement in policy_document["Statement"]:
        yield statement | {name: as_list(statement[name]) for name in ("Action", "Resource") if name in statement}


def as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def denies_plain_http(policy: dict[str, Any]) -> bool:
    """Whether a resource policy refuses everyone who comes without TLS."""
    return any(
        statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Principal"] in ("*", {"AWS": "*"})
        for statement in statements(policy)
    )


@contextmanager
def embedded_aws(folder: Path, **settings: str) -> Generator[Connection]:
    """A running embedded AWS with its state in `folder`."""
    emulator = Emulator(folder, free_port(), settings=settings)
    emulator.start()
    try:
        emulator.wait_ready()
        yield Connection(LOCAL, local=emulator.access)
    finally:
        emulator.stop()
