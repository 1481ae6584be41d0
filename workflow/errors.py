"""The error tree: class names are the wire contract between the functions and the state machine.

SluiceError
├── InputError          the execution input cannot be used; the execution fails, nothing is moved
│   └── ObjectNotFound  no such object in ingest, archive or quarantine
├── DuplicateEvent      the asset is, or was just, served by another execution → Duplicate
├── TransientError      worth another attempt: throttled, a service had a bad moment
├── ThumbnailError      no preview could be made; the asset goes on, marked degraded
├── CopyNotVerified     a copy differs from its original; the original stays where it is
└── RejectedError       the file can never succeed → Quarantine; a subclass's name is the reject code
    ├── EmptyFile, FolderMarker, NameTooLong, TooLarge, TooManyPixels, TooManyFrames
    ├── UnsupportedType, ForbiddenType
    └── CorruptImage, TruncatedFile
"""


class SluiceError(Exception):
    """Base of every error that a function raises on purpose; its message is shown to people."""


class InputError(SluiceError):
    """The execution input is not `{"bucket", "key"}` with known optional fields, or names a foreign bucket."""


class ObjectNotFound(InputError):
    """The object is neither in ingest nor, as an earlier asset, in archive or quarantine."""


class DuplicateEvent(SluiceError):
    """Another execution holds, or lately finished, this asset."""


class TransientError(SluiceError):
    """A dependency throttled or failed in a way that the next attempt may not see."""


class ThumbnailError(SluiceError):
    """The rendition is fine, but no preview could be drawn from it."""


class CopyNotVerified(SluiceError):
    """Size or checksum of a copy does not match its original."""


class RejectedError(SluiceError):
    """The file itself is at fault; the subclass's name is the code that people and programs see."""


class EmptyFile(RejectedError):
    """Zero bytes."""


class FolderMarker(RejectedError):
    """A key that ends in a slash: a console folder, not a file."""


class NameTooLong(RejectedError):
    """The file name or the key is longer than the limit."""


class TooLarge(RejectedError):
    """More bytes than the kind allows."""


class TooManyPixels(RejectedError):
    """More pixels than the format allows: too large, or a decompression bomb."""


class TooManyFrames(RejectedError):
    """More animation frames or pages than the kind allows."""


class UnsupportedType(RejectedError):
    """Content of a type that no kind accepts."""


class ForbiddenType(RejectedError):
    """Content that could act when opened: a program, a script, markup with script."""


class CorruptImage(RejectedError):
    """The image's structure or data cannot be decoded."""


class TruncatedFile(RejectedError):
    """The file ends before its data is complete."""


def rejections() -> list[str]:
    """Every reject code, sorted: what the state machine catches on the way to Quarantine."""
    return sorted(_subclass_names(RejectedError))


def _subclass_names(base: type[SluiceError]) -> set[str]:
    return {name for cls in base.__subclasses__() for name in {cls.__name__} | _subclass_names(cls)}
