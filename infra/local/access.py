"""How programs and pages of this machine get at the embedded AWS: what `sluice up` leaves in the state folder."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

ACCESS_FILE = "endpoint.json"
NOT_FOR_OTHERS = 0o077


class NotThereError(Exception):
    """What was asked for does not exist, or is not running; the message says what to do."""


@dataclass(frozen=True)
class LocalAccess:
    """`origins` is a folder: a file in it, such as `127.0.0.1:8080`, lets pages from there send signed forms."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    origins: str

    @contextmanager
    def open_to(self, origin: str) -> Generator[None]:
        """While the console at `origin` runs, its pages may upload to the buckets and show what is in them."""
        file = Path(self.origins) / urlsplit(origin).netloc
        file.touch()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def write(access: LocalAccess, state_dir: Path) -> None:
    with private(state_dir):
        (state_dir / ACCESS_FILE).write_text(json.dumps(asdict(access)))


def read(state_dir: Path) -> LocalAccess:
    """Of the embedded AWS that `sluice up` started from this folder."""
    try:
        return LocalAccess(**json.loads((state_dir / ACCESS_FILE).read_text()))
    except FileNotFoundError:
        raise NotThereError(
            "The local stack is not running in this folder or one above it. Start it with `sluice up`, "
            "or name a deployed stage with --stage."
        ) from None
    except (TypeError, ValueError):
        raise NotThereError(
            "An older Sluice started the local stack in this folder. Run `sluice down`, then `sluice up`."
        ) from None


@contextmanager
def private(folder: Path) -> Generator[None]:
    """Nobody but its owner gets into the folder, nor at what this process and its children write meanwhile."""
    before = os.umask(NOT_FOR_OTHERS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        yield
    finally:
        os.umask(before)
