"""Looks for bytes that our own sniffers and parsers cannot bear.

On demand: `uv run --with atheris==3.0.0 python -m tests.fuzz TARGET`, for ten minutes. A target may refuse its input by
one of the errors that its callers name; any other, and anything slow, is a fault, and its bytes are left in the working
directory. Coverage leads the way (libFuzzer); what led further is kept in --corpus.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import atheris  # pyright: ignore[reportMissingModuleSource]

with atheris.instrument_imports(include=["tasks"]):  # pyright: ignore[reportAttributeAccessIssue]
    from tasks.shared.published.jbig2 import faults_of_jbig2
    from tasks.shared.published.jpeg import faults_of_jpeg_data
    from tasks.shared.published.jpeg2000 import faults_of_jpeg2000
    from tasks.shared.published.secrets import secrets_of
    from tasks.shared.published.webp import faults_of_webp
    from tasks.shared.published.webvtt import faults_of_webvtt
    from tasks.sniffing.logs import is_log
    from tasks.sniffing.sniff import sniff
    from tasks.transform.boxes import check_boxes
    from tasks.transform.document.jbig2 import bare_jbig2
    from tasks.transform.document.jpeg2000 import bare_jpeg2000
    from tasks.transform.encodings import tell_encoding
    from tasks.transform.image.decode import DECODER_ERRORS
    from tasks.transform.image.png import read_png
    from tasks.transform.image.tiff import choose_page
    from tasks.transform.table.dialect import read_layout

from workflow.errors import RejectedError

SLOW_SECONDS = 10


@dataclass(frozen=True)
class Target:
    """What is called with any bytes, and the errors by which it may refuse them."""

    call: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()


def _layout(data: bytes) -> object:
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as file:
        file.write(data)
        file.flush()
        return read_layout(Path(file.name))


SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - files of a moment, in memory

TARGETS: Mapping[str, Target] = {
    "sniff": Target(lambda data: sniff(data, data, len(data), name="a.csv")),
    "logs": Target(lambda data: is_log(data.decode("utf-8", "replace").splitlines())),
    "layout": Target(_layout, (RejectedError,)),
    "encodings": Target(lambda data: tell_encoding(io.BytesIO(data))),
    "boxes": Target(lambda data: check_boxes(io.BytesIO(data), len(data)), (RejectedError,)),
    "tiff": Target(lambda data: choose_page(io.BytesIO(data), 100), (RejectedError, *DECODER_ERRORS)),
    "png": Target(lambda data: read_png(io.BytesIO(data)), (RejectedError, *DECODER_ERRORS)),
    "jbig2": Target(lambda data: list(faults_of_jbig2(bare_jbig2(data))), (ValueError,)),
    "jpeg2000": Target(lambda data: list(faults_of_jpeg2000(bare_jpeg2000(data))), (ValueError,)),
    "published": Target(
        lambda data: [
            *faults_of_jpeg_data(data),
            *faults_of_webp(io.BytesIO(data)),
            *faults_of_webvtt(io.BytesIO(data)),
        ]
    ),
    "secrets": Target(lambda data: secrets_of(io.BytesIO(data), len(data))),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--corpus", type=Path, help="a folder of inputs to begin with, which gets what leads further")
    options = parser.parse_args()
    target = TARGETS[options.target]

    def once(data: bytes) -> None:
        try:
            target.call(data)
        except target.refusals:
            return

    limits = [f"-max_total_time={60 * options.minutes:.0f}", f"-timeout={SLOW_SECONDS}", "-max_len=4096"]
    atheris.Setup([sys.argv[0], *limits, *([str(options.corpus)] if options.corpus else [])], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
