"""Proves that nothing private is in what is about to be published: by its own reading of every file and of the record.

It shares no code with what makes the files, and lists what may be in them; all else is a fault of ours, whatever the
original was like. PDFs are looked at where they are made, in the confined child: `document` is for that.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO

from tasks.shared.published.jpeg import faults_of_jpeg
from tasks.shared.published.mp4 import faults_of_mp4
from tasks.shared.published.parquet import faults_of_parquet
from tasks.shared.published.secrets import Secrets
from tasks.shared.published.told import faults_of_told
from tasks.shared.published.webp import faults_of_webp
from tasks.shared.published.webvtt import faults_of_webvtt
from tasks.shared.work import Encoded, Rendered, Written
from workflow.errors import ResultNotProven

_CHECKS: Mapping[str, Callable[[BinaryIO], Iterator[str]]] = MappingProxyType(
    {
        "image/webp": faults_of_webp,
        "image/jpeg": faults_of_jpeg,
        "video/mp4": faults_of_mp4,
        "audio/mp4": faults_of_mp4,
        "text/vtt": faults_of_webvtt,
        "application/vnd.apache.parquet": faults_of_parquet,
    }
)
"""What else is published is the file's own content, and nothing besides: lists, texts and PDFs."""


def prove_nothing_private(rendered: Rendered, secrets: Secrets) -> None:
    """Raise ResultNotProven for what a rendition, a fact or the sidecar should not tell."""
    prove_files(rendered.files)
    fault = next(faults_of_told({"facts": rendered.facts, "technical": rendered.technical}, secrets), None)
    if fault:
        raise ResultNotProven(f"The record was not written, because it would tell {fault}.")


def prove_files(files: Iterable[Encoded | Written]) -> None:
    """Raise ResultNotProven for a file in which something is that is not on the list."""
    for file in files:
        check = _CHECKS.get(file.content_type)
        if not check:
            continue
        with _opened(file) as stream:
            fault = next(check(stream), None)
        if fault:
            raise ResultNotProven(f"The rendition {file.name!r} was not published: there is {fault} in it.")


def _opened(file: Encoded | Written) -> BinaryIO:
    return file.path.open("rb") if isinstance(file, Written) else io.BytesIO(file.data)
