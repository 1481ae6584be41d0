"""The error tree: class names are the wire contract between the functions and the state machine.

SluiceError
├── InputError          the execution input cannot be used; the execution fails, nothing is moved
│   └── ObjectNotFound  no such object in ingest, archive or quarantine
├── DuplicateEvent      the asset is, or was just, served by another execution → Duplicate
├── TransientError      worth another attempt: throttled, a service had a bad moment
├── LongVideo           more than one function can convert in its time → the video is converted in segments
├── BigFile             more than a function has memory, disk or time for → a container transforms it
├── ThumbnailError      no preview could be made; the asset goes on, marked degraded
├── CopyNotVerified     a copy differs from its original; the original stays where it is
├── ResultNotProven     what was made of a file does not agree with it; nothing is published, the original stays
├── UnreadableRecord    an asset's record is not as Sluice writes it; nothing of it is changed, the original stays
└── RejectedError       the file can never succeed → Quarantine; a subclass's name is the reject code
    ├── EmptyFile, FolderMarker, NameTooLong, TooLarge, TooLong, TooManyPixels, TooManyFrames, TooManyPages
    ├── TooManyColumns, TooManyTables, TooManyBadRows, TooManyFiles, TooDeep, UnsafeName, DecompressionBomb
    ├── UnsupportedType, UnsupportedCodec, ForbiddenType, EncryptedFile, NothingToPlay
    └── CorruptImage, CorruptTable, CorruptMedia, CorruptDocument, CorruptArchive, TruncatedFile
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


class LongVideo(SluiceError):
    """A video that takes longer to convert than one function may run."""


class BigFile(SluiceError):
    """A file that takes more memory, disk or time than a function has."""


class CopyNotVerified(SluiceError):
    """Size or checksum of a copy does not match its original."""


class ResultNotProven(SluiceError):
    """What was made of the file failed the check before publishing: a fault of ours, not of the file."""


class UnreadableRecord(SluiceError):
    """A hand has changed the record of an asset, or a version that writes another form has written it."""


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


class TooLong(RejectedError):
    """More seconds of sound or video than the kind allows."""


class TooManyPages(RejectedError):
    """More pages than a document may have."""


class TooManyColumns(RejectedError):
    """More columns than a table may have."""


class TooManyTables(RejectedError):
    """More sheets than a workbook may have."""


class TooManyBadRows(RejectedError):
    """So many rows do not fit their table that it is not what it seems."""


class TooManyFiles(RejectedError):
    """More files than an archive may have."""


class TooDeep(RejectedError):
    """An archive in an archive in an archive, beyond the limit."""


class UnsafeName(RejectedError):
    """An archive names a file so that unpacking it could write elsewhere."""


class DecompressionBomb(RejectedError):
    """Small when packed and immense when unpacked."""


class UnsupportedCodec(RejectedError):
    """The container is accepted, what it holds cannot be decoded here."""


class EncryptedFile(RejectedError):
    """Its content needs a password."""


class NothingToPlay(RejectedError):
    """A media file without any sound or picture in it."""


class CorruptTable(RejectedError):
    """The table's structure or data cannot be read."""


class CorruptMedia(RejectedError):
    """The structure or data of a sound or video file cannot be decoded."""


class CorruptDocument(RejectedError):
    """The document's structure or data cannot be read."""


class CorruptArchive(RejectedError):
    """The archive's structure or data cannot be read."""


class TruncatedFile(RejectedError):
    """The file ends before its data is complete."""


def rejections() -> list[str]:
    """Every reject code, sorted: what the state machine catches on the way to Quarantine."""
    return sorted(_subclass_names(RejectedError))


def _subclass_names(base: type[SluiceError]) -> set[str]:
    return {name for cls in base.__subclasses__() for name in {cls.__name__} | _subclass_names(cls)}
