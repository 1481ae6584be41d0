"""Thumbnail: previews drawn from the rendition, so that the original is not read again."""

import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import msgspec

from tasks.shared import clients
from tasks.shared.naming import thumbnails_folder
from tasks.shared.objects import Objects
from tasks.shared.publish import publish
from tasks.shared.published import prove_files
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tasks.shared.work import Drawn
from workflow.errors import ResultNotProven, ThumbnailError
from workflow.shapes import Asset, MadeFile, Pointer, Previews, Run, Transformed


class Settings(msgspec.Struct, frozen=True):
    output_bucket: str


@dataclass(frozen=True)
class State:
    """What Thumbnail needs of the state."""

    asset: Asset
    transform: Transformed


settings = from_environment(Settings)
objects = Objects(clients.s3())


@task("thumbnail", State)
def handle(state: State, _run: Run) -> Previews:
    return state.transform.previews or drawn(state.asset, state.transform)


def drawn(asset: Asset, made: Transformed) -> Previews:
    """Draw with the kind's module, and publish; raises ThumbnailError."""
    kind = import_module(f"tasks.thumbnail.{asset.kind}")
    names: str | tuple[str, ...] = kind.DRAWN_FROM
    rendition = drawn_from(made.renditions, *((names,) if isinstance(names, str) else names))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rendition"
        objects.download(Pointer(bucket=rendition.bucket, key=rendition.key), path, rendition.bytes)
        preview: Drawn = kind.preview(path)
    check(preview)
    return Previews(
        files=publish(preview.files, settings.output_bucket, thumbnails_folder(asset.id, made.recipe), objects),
        thumbhash=preview.thumbhash,
        dominant_color=preview.dominant_color,
    )


def check(preview: Drawn) -> None:
    """Raise ThumbnailError for previews in which something is that should not be: they are left out."""
    try:
        prove_files(preview.files)
    except ResultNotProven as exc:
        raise ThumbnailError(f"No preview is published: {exc}") from exc


def drawn_from(renditions: tuple[MadeFile, ...], *names: str) -> MadeFile:
    """The first rendition of the first of these names that is there."""
    found = next((file for name in names for file in renditions if file.name == name), None)
    if found is None:
        raise ThumbnailError(f"There is no rendition {' or '.join(map(repr, names))} to draw previews from.")
    return found
