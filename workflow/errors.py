"""Every error, and all that is known of it: what it means, what to do, whether it is tried again, whether it alerts.

Class names are the wire contract between the functions and the state machine, and the codes that people see. A class's
docstring is what it means; docs/operating.md, docs/kinds.md, the console and the commands show it from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

REJECT_CODES = "docs/operating.md#reject-codes"
FAILURES = "docs/operating.md#failures"


class Retries(Enum):
    """Errors that a state tries again, each group counted by itself; how often, `workflow/ingest.py` says."""

    THROTTLED = auto()
    SERVICE = auto()
    TRANSIENT = auto()
    UNANSWERED = auto()


@dataclass(frozen=True)
class Alert:
    """The metric that counts an error wherever a function raises it, and the alarm on it: a heading of the runbook."""

    metric: str
    alarm: str


class SluiceError(Exception):
    """Base of every error that a function raises on purpose; its message is shown to people."""

    advice: ClassVar[str] = ""
    """What to do about it, in a sentence."""
    docs: ClassVar[str] = FAILURES
    retried: ClassVar[Retries | None] = None
    alert: ClassVar[Alert | None] = None


class InputError(SluiceError):
    """The execution input cannot be used; the cause names the field. Nothing was moved."""

    advice = "Start again with a valid input."


class ObjectNotFound(InputError):
    """There is no such object or version in ingest, archive or quarantine."""

    advice = "Check the key and the version."


class DuplicateEvent(SluiceError):
    """Another execution holds, or just finished, this asset. In Validate it ends well, in Duplicate."""

    advice = "Look at the asset: what the other execution recorded counts."


class TransientError(SluiceError):
    """AWS throttled or failed in every attempt."""

    advice = "Redrive it."
    retried = Retries.TRANSIENT


class ThumbnailError(SluiceError):
    """No preview could be drawn. It never fails an execution: the asset is marked degraded."""

    advice = "Nothing: the rendition is complete."


class LongVideo(SluiceError):
    """Converting takes longer than one function may run. It never fails an execution: the video is cut into parts."""

    advice = "Nothing."


class BigFile(SluiceError):
    """Too large for a function. It never fails an execution: a container transforms the file."""

    advice = "Nothing."


class CopyNotVerified(SluiceError):
    """A copy could not be proven equal to its original, which is untouched."""

    advice = "Redrive it. If it fails again, look at the bucket."


class ResultNotProven(SluiceError):
    """What was made disagrees with the file: a fault of Sluice. Nothing was published, the original is untouched."""

    advice = (
        "Report it with the file. Once the fix is deployed, `sluice reprocess`: a redrive would keep the code that the "
        "execution started with."
    )
    alert = Alert(metric="ResultsNotProven", alarm="results-not-proven")


class UnreadableRecord(SluiceError):
    """The asset's record is not as this version of Sluice writes it: it was edited by hand, or by a later version.

    Lists leave it out and say so, nothing of it is changed, the original is untouched.
    """

    advice = (
        "Correct the attribute that the message names with `aws dynamodb update-item`, then redrive; or deploy the "
        "version that wrote it, then `sluice reprocess`."
    )


class RejectedError(SluiceError):
    """The file itself is at fault; the subclass's name is the code that people and programs see."""

    docs = REJECT_CODES


class EmptyFile(RejectedError):
    """Zero bytes."""

    advice = "Upload it again."


class FolderMarker(RejectedError):
    """A key that ends in a slash: a folder that the S3 console made, not a file."""

    advice = "Nothing: folders need no markers."


class NameTooLong(RejectedError):
    """The file name or the key is longer than the limit."""

    advice = "Rename it."


class TooLarge(RejectedError):
    """More bytes than the kind, or a live setting, allows; the message names which."""

    advice = "Make it smaller, or change the setting that the message names."


class TooManyPixels(RejectedError):
    """More pixels than the format allows: too large, or a decompression bomb."""

    advice = "Scale it down, or raise the limit."


class TooManyFrames(RejectedError):
    """More animation frames or pages than the kind allows."""

    advice = "Split it, or raise the limit."


class UnsupportedType(RejectedError):
    """Content that no kind accepts, whatever its name says; or of a kind that a setting refuses."""

    advice = "Convert it, or change the setting that the message names."


class ForbiddenType(RejectedError):
    """Content that could act when opened: a program, a script, HTML, SVG with script."""

    advice = "Do not upload it."


class CorruptImage(RejectedError):
    """The image cannot be decoded."""

    advice = "Export it again."


class CorruptTable(RejectedError):
    """The table cannot be read."""

    advice = "Export it again."


class CorruptMedia(RejectedError):
    """The sound or video cannot be decoded."""

    advice = "Export it again."


class CorruptDocument(RejectedError):
    """The document cannot be read."""

    advice = "Print it to PDF again."


class CorruptArchive(RejectedError):
    """The archive cannot be unpacked, or a checksum in it is wrong."""

    advice = "Pack it again."


class TruncatedFile(RejectedError):
    """The file ends before its data is complete."""

    advice = "Upload it again, completely."


class TooLong(RejectedError):
    """More seconds of sound or video than the kind allows."""

    advice = "Cut it, or raise the limit."


class TooManyPages(RejectedError):
    """More pages than a document may have."""

    advice = "Split it, or raise the limit."


class TooManyColumns(RejectedError):
    """More columns than a table may have."""

    advice = "Split it, or raise the limit."


class TooManyTables(RejectedError):
    """More sheets than a workbook may have."""

    advice = "Split it."


class TooManyBadRows(RejectedError):
    """Too many rows do not fit the table; its rejects say which, and why."""

    advice = "Correct the export, or raise the limit."


class TooManyFiles(RejectedError):
    """More files than an archive may have."""

    advice = "Split it, or raise the limit."


class TooDeep(RejectedError):
    """An archive in an archive, deeper than the limit."""

    advice = "Unpack the inner archives first."


class UnsafeName(RejectedError):
    """A name in an archive leads out of its folder, or two names are the same."""

    advice = "Pack it again with plain names."


class DecompressionBomb(RejectedError):
    """Small when packed, immense when unpacked."""

    advice = "Do not upload it; if it is meant, unpack it first."


class UnsupportedCodec(RejectedError):
    """The container is accepted, but what it holds cannot be decoded here."""

    advice = "Convert it."


class EncryptedFile(RejectedError):
    """The content needs a password."""

    advice = "Upload it without one."


class NothingToPlay(RejectedError):
    """A media file without sound or picture."""

    advice = "Check the export."


@dataclass(frozen=True)
class Explanation:
    """What is told of errors, wherever one is shown."""

    names: tuple[str, ...]
    means: str
    advice: str
    docs: str = FAILURES
    retried: Retries | None = None
    alert: Alert | None = None


OTHERS = (
    Explanation(
        ("Lambda.TooManyRequestsException",),
        "Lambda throttled the function in every attempt.",
        "Raise the account's concurrency, then redrive.",
        retried=Retries.THROTTLED,
    ),
    Explanation(
        (
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.ClientExecutionTimeoutException",
        ),
        "Lambda itself failed in every attempt.",
        "Redrive it.",
        retried=Retries.SERVICE,
    ),
    Explanation(
        ("Sandbox.Timedout",),
        "A function was too slow, twice.",
        "Read its logs; raise its limits in `workflow/limits.py`, deploy, then `sluice reprocess`: a redrive would "
        "keep the old limits.",
        retried=Retries.UNANSWERED,
    ),
    Explanation(
        ("Lambda.Unknown",),
        "A function ended without an answer, twice.",
        "Read its logs.",
        retried=Retries.UNANSWERED,
    ),
    Explanation(
        ("Runtime.ExitError",),
        "A function died twice, most likely out of memory.",
        "Raise its memory in `workflow/limits.py`, deploy, then `sluice reprocess`: a redrive would keep the old "
        "memory.",
        retried=Retries.UNANSWERED,
    ),
    Explanation(
        ("States.Timeout",),
        "A state got no answer in its time, twice.",
        "Read the function's logs; raise its limits in `workflow/limits.py`, deploy, then `sluice reprocess`: a "
        "redrive would keep the old limits.",
        retried=Retries.UNANSWERED,
    ),
    Explanation(
        ("States.TaskFailed",),
        "In TransformBig: the container died twice.",
        "Read its logs, `/sluice/STAGE/big-files`; raise its memory in `workflow/limits.py`.",
    ),
    Explanation(
        ("Stopped",), "A person stopped it; the message says who, and why.", "Redrive it, if it was stopped by mistake."
    ),
    Explanation(
        ("TIMED_OUT", "ABORTED"),
        "The whole execution ran out of time, or a person stopped it in the AWS console.",
        "Redrive it.",
    ),
    Explanation(
        ("States.ServiceRestart",),
        "On the laptop only: the stack stopped meanwhile.",
        "Nothing: `sluice up` takes it up again.",
    ),
)
"""Errors that no class of ours stands for: those that AWS reports, and how an execution ends as a whole."""


def rejections() -> list[str]:
    """Every reject code, sorted: what the state machine catches on the way to Quarantine."""
    return sorted(each.__name__ for each in _subclasses(RejectedError))


def retried_as(group: Retries) -> list[str]:
    """The names of a group, in the order in which they stand here."""
    return [name for each in explanations() if each.retried is group for name in each.names]


def explanations() -> Iterator[Explanation]:
    """Of all errors in which a task or an execution may end: ours in the order of their classes, then the others."""
    for each in _subclasses(SluiceError):
        if each.__module__ == __name__ and each is not RejectedError:
            yield Explanation((each.__name__,), meaning(each), each.advice, each.docs, each.retried, each.alert)
    yield from OTHERS


def explain(name: str) -> Explanation | None:
    """None of an error that only its message explains."""
    return next((each for each in explanations() if name in each.names), None)


def meaning(error: type[SluiceError]) -> str:
    """Its docstring, in one line."""
    return " ".join((error.__doc__ or "").split())


def _subclasses(base: type[SluiceError]) -> Iterator[type[SluiceError]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _subclasses(cls)
