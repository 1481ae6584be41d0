"""Every edge of the ingest state machine as a case: what the functions raise and return, and how the execution ends.

The picture is stated here once more, so that a test can compare the two. `python -m tests.workflow.cases` writes the
cases to MockConfigFile.json, the mock configuration that AWS Step Functions Local takes.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, groupby, islice, pairwise
from pathlib import Path
from typing import Any

from workflow.errors import rejections
from workflow.ingest import ingest

MACHINE = "sluice-ingest"
CONFIG_FILE = Path(__file__).with_name("MockConfigFile.json")

STEPS = ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive")
LONG_VIDEO = ("SplitVideo", "ConvertVideo", "ConvertPart", "JoinVideo")
"""What replaces Transform for a long video; ConvertVideo is a Map, which enters ConvertPart once in these cases."""
TASK_STATES = (*STEPS, "Quarantine", "SplitVideo", "ConvertPart", "JoinVideo")
REJECTING_STATES = ("Validate", "Transform", "SplitVideo", "ConvertPart")
REJECT_CODE = "CorruptImage"
"""The one that leads to Quarantine in cases that are about Quarantine itself."""

RETRIERS: list[tuple[tuple[str, ...], int]] = [
    (tuple(retrier["ErrorEquals"]), retrier["MaxAttempts"])
    for retrier in json.loads(ingest().to_json())["States"]["Validate"]["Retry"]
]
"""What every task retries: error names, and how often in all, whichever of these names come."""

GIVES_UP = "gives up on"
UNCAUGHT = ("InputError", "KeyError")
"""Stand for all that no retrier and no catcher names: an error of ours and a defect."""

ASSET = {
    "id": "0123456789abcdef0123456789abcdef",
    "functions": {"transform": "Transform", "thumbnail": "Thumbnail"},
}
RESULTS: dict[str, dict[str, Any]] = {
    "Validate": {"asset": ASSET},
    "Transform": {"transform": {"sha256": "5e1f", "renditions": ["web"]}},
    "Thumbnail": {"thumbnail": {"files": ["128", "256", "512"]}},
    "StoreMetadata": {"store_metadata": {"current": True}},
    "Notify": {"notify": {"event_id": "e-1"}},
    "Archive": {"archive": {"original": {"key": "photo.jpg"}}},
    "SplitVideo": {"split_video": {"recipe": "1-mp4", "parts": [{"number": 0}]}},
    "ConvertPart": {"convert_part": {"number": 0}},
    "JoinVideo": {"transform": {"sha256": "5e1f", "renditions": ["web"]}},
}
"""What each step adds to the state; a sketch of the real results, which the machine passes on unread."""


@dataclass(frozen=True)
class Visit:
    """A state that an execution enters. Its function raises `errors`, one per attempt, and then may answer."""

    state: str
    errors: tuple[str, ...] = ()
    answers: bool = True


@dataclass(frozen=True)
class Edge:
    """One way on from a state: `what` happens, and the error or the next state that it is about."""

    state: str
    what: str
    about: str = ""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended and which states it visited; `message` is the sentence in its cause."""

    status: str
    error: str | None
    message: str | None
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class Case:
    name: str
    visits: tuple[Visit, ...]

    def raises(self, error: str) -> bool:
        return any(error in visit.errors for visit in self.visits)

    @property
    def outcome(self) -> Outcome:
        error = self._error
        status, message = ("FAILED", message_of(error)) if error else ("SUCCEEDED", None)
        return Outcome(status, error, message, self.visits)

    @property
    def _error(self) -> str | None:
        """The execution's error: the last state's, or the reject code once the file is in quarantine."""
        last = self.visits[-1]
        if last.state == "Rejected":
            return self.reject_code
        return None if last.answers else last.errors[-1]

    @property
    def reject_code(self) -> str | None:
        """The error that led to Quarantine."""
        return next((one.errors[-1] for one, after in pairwise(self.visits) if after.state == "Quarantine"), None)

    def edges(self) -> Iterator[Edge]:
        for visit, after in zip(self.visits, (*self.visits[1:], None), strict=True):
            yield from _edges(visit, after)


def _edges(visit: Visit, after: Visit | None) -> Iterator[Edge]:
    retried = visit.errors if visit.answers else visit.errors[:-1]
    yield from (Edge(visit.state, "retries", error) for error in retried)
    if visit.answers:
        yield Edge(visit.state, "goes on to", after.state) if after else Edge(visit.state, "ends")
    elif after:
        yield Edge(visit.state, f"goes on to {after.state} after", visit.errors[-1])
    else:
        yield Edge(visit.state, GIVES_UP if retried else "fails on", visit.errors[-1])


def all_cases() -> Iterator[Case]:
    yield Case("HappyPath", _visits(STEPS))
    yield Case("ValidateFindsDuplicate", (Visit("Validate", ("DuplicateEvent",), answers=False), Visit("Duplicate")))
    yield Case("LongVideoIsConvertedInParts", (*_before("SplitVideo"), Visit("SplitVideo"), *_after("SplitVideo")))
    yield without_thumbnails()
    for state in REJECTING_STATES:
        yield from (rejected(state, code) for code in rejections())
    for state in TASK_STATES:
        yield from (retried(state, error) for errors, _ in RETRIERS for error in errors)
        yield from (failed(state, error) for error in UNCAUGHT)
    # Every task has the same retriers: each is used up in one of them.
    yield from (given_up(state, *retrier) for state, retrier in zip(TASK_STATES, RETRIERS, strict=False))


def without_thumbnails() -> Case:
    failing = Visit("Thumbnail", ("ThumbnailError",), answers=False)
    return Case("ThumbnailFailsAndTheRestGoesOn", (*_before("Thumbnail"), failing, *_after("Thumbnail")))


def rejected(state: str, code: str) -> Case:
    rejecting = Visit(state, (code,), answers=False)
    return Case(f"{state}Rejects{code}", (*_before(state), rejecting, *_visits(("Quarantine", "Rejected"))))


def retried(state: str, error: str) -> Case:
    return Case(f"{state}Retries{_word(error)}", (*_before(state), Visit(state, (error,)), *_after(state)))


def given_up(state: str, errors: tuple[str, ...], attempts: int) -> Case:
    """The retrier's names in turn, as they share its attempts, until one is too many."""
    raised = tuple(islice(cycle(errors), attempts + 1))
    return Case(f"{state}GivesUpOn{_word(errors[0])}", (*_before(state), Visit(state, raised, answers=False)))


def failed(state: str, error: str) -> Case:
    return Case(f"{state}FailsOn{error}", (*_before(state), Visit(state, (error,), answers=False)))


def redriven(case: Case) -> Case:
    """The case after a redrive, in which the state that failed answers and the others follow."""
    *earlier, last = case.visits
    if last.answers:
        return case
    return Case(case.name, (*earlier, Visit(last.state, last.errors), *_after(last.state)))


def _before(state: str) -> tuple[Visit, ...]:
    if state == "Quarantine":
        return (Visit("Validate", (REJECT_CODE,), answers=False),)
    if state in LONG_VIDEO:
        too_long = Visit("Transform", ("LongVideo",), answers=False)
        return (Visit("Validate"), too_long, *_visits(LONG_VIDEO[: LONG_VIDEO.index(state)]))
    return _visits(STEPS[: STEPS.index(state)])


def _after(state: str) -> tuple[Visit, ...]:
    if state == "Quarantine":
        return _visits(("Rejected",))
    if state in LONG_VIDEO:
        return _visits((*LONG_VIDEO[LONG_VIDEO.index(state) + 1 :], *STEPS[STEPS.index("Thumbnail") :]))
    return _visits(STEPS[STEPS.index(state) + 1 :])


def _visits(states: Iterable[str]) -> tuple[Visit, ...]:
    return tuple(Visit(state) for state in states)


def message_of(error: str) -> str:
    return f"{error}, as the case wants it"


def _word(error: str) -> str:
    return error.replace(".", "")


CASES = tuple(all_cases())


def mock_config() -> dict[str, Any]:
    """AWS Step Functions Developer Guide, "Configuration file for mocked service integrations in Step Functions".

    It answers on where a case fails, so that the execution can be redriven.
    """
    visits = [(case, visit) for case in CASES for visit in redriven(case).visits if visit.state in TASK_STATES]
    tests = {
        case.name: {visit.state: _response_name(case, visit) for _, visit in own}
        for case, own in groupby(visits, lambda each: each[0])
    }
    return {
        "StateMachines": {MACHINE: {"TestCases": tests}},
        "MockedResponses": {_response_name(case, visit): _response(case, visit) for case, visit in visits},
    }


def _response_name(case: Case, visit: Visit) -> str:
    raised = "Then".join(_word(error) for error, _ in groupby(visit.errors))
    times = f"{len(visit.errors)}Times" if len(visit.errors) > 1 else ""
    code = case.reject_code or "" if visit.state == "Quarantine" else ""
    return f"{visit.state}{code}{'Raises' if raised else 'Answers'}{raised}{times}"


def _response(case: Case, visit: Visit) -> dict[str, Any]:
    response: dict[str, Any] = {}
    first = 0
    for error, group in groupby(visit.errors):
        last = first + len(list(group)) - 1
        cause = json.dumps({"errorMessage": message_of(error), "errorType": error})
        response[f"{first}-{last}" if first < last else f"{first}"] = {"Throw": {"Error": error, "Cause": cause}}
        first = last + 1
    response[f"{first}"] = {"Return": {"StatusCode": 200, "Payload": _payload(case, visit.state)}}
    return response


def _payload(case: Case, state: str) -> dict[str, Any]:
    if state == "Quarantine":
        code = case.reject_code or ""
        return {"quarantine": {"code": code, "message": message_of(code)}}
    if state in LONG_VIDEO:
        return {"asset": ASSET, **RESULTS[state]}
    so_far = STEPS[: STEPS.index(state) + 1]
    return {name: value for step in so_far for name, value in RESULTS[step].items()}


def as_text(config: dict[str, Any]) -> str:
    """JSON with a line for each case and each response, so that a change of one is a change of one line."""
    tests = config["StateMachines"][MACHINE]["TestCases"]
    return (
        f'{{"StateMachines": {{"{MACHINE}": {{"TestCases": {{\n{_lines(tests)}\n}}}}}},\n'
        f'"MockedResponses": {{\n{_lines(config["MockedResponses"])}\n}}}}\n'
    )


def _lines(members: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in members.items())


if __name__ == "__main__":
    CONFIG_FILE.write_text(as_text(mock_config()))
