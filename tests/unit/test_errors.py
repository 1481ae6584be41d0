"""Each error knows what it means, what to do about it, and where that is documented."""

import io
from inspect import getmembers, isclass

import pytest
from rich.console import Console

from tests.unit.cloud import a_record
from workflow import errors
from workflow.errors import Explanation, RejectedError, Retries, SluiceError, explain, explanations, retried_as
from workflow.operator.cli.views import asset_view
from workflow.operator.docs.pages import read
from workflow.operator.shapes import Asset

OURS = [cls for _, cls in getmembers(errors, isclass) if issubclass(cls, SluiceError)]
RAISED = [cls for cls in OURS if cls not in (SluiceError, RejectedError)]


@pytest.mark.parametrize("error", RAISED)
def test_a_class_says_itself_what_it_means_and_what_to_do(error: type[SluiceError]) -> None:
    said = vars(error)
    assert said["__doc__"].rstrip().endswith(".")
    assert said["advice"].endswith(".")
    assert explain(error.__name__) is not None


def test_only_what_a_state_or_an_execution_ends_in_is_explained() -> None:
    class AtAKeyboardError(SluiceError):
        """A command raises it, its message says all."""

    assert explain(AtAKeyboardError.__name__) is None
    assert explain("RejectedError") is None


def test_a_name_is_explained_once() -> None:
    names = [name for each in explanations() for name in each.names]
    assert len(names) == len(set(names))


def test_a_name_is_tried_again_in_one_group() -> None:
    names = [name for group in Retries for name in retried_as(group)]
    assert len(names) == len(set(names))
    assert all(retried_as(group) for group in Retries)


@pytest.mark.parametrize("each", list(explanations()), ids=lambda each: each.names[0])
def test_its_section_of_the_documentation_names_it(each: Explanation) -> None:
    assert f"| {', '.join(each.names)} |" in read(each.docs)
    if each.alert:
        assert read(f"docs/runbook.md#{each.alert.alarm}")


def test_an_asset_that_was_rejected_is_shown_with_what_to_do() -> None:
    record = a_record(status="rejected", reason={"code": "EmptyFile"})
    shown = Console(width=200, record=True, file=io.StringIO())
    shown.print(asset_view(Asset(record=record, current=True, versions=())))
    assert "Upload it again." in shown.export_text()
