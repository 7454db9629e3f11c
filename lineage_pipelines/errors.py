"""The errors a user can meet, one family under `LineageError`.

An error means that a question could not be answered or that a fact could not be stated honestly. A mismatch that was
found is an answer (a `Finding`), never an exception. Every message says what, where, and what to do.
"""


class LineageError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        what: what is wrong, in one sentence.
        where: the file, line, key or object it is about.
        fix: what to do about it, ideally a command.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


class RecordError(LineageError):
    """Bytes or values that are not a valid record."""


class CaptureError(LineageError):
    """A fact about a run that cannot be stated honestly."""


class DatasetError(LineageError):
    """Data or a DVC metafile that is missing, altered or unreadable."""


class ArtifactError(LineageError):
    """A stored file that is missing, altered, or not safe to load."""


class CatalogError(LineageError):
    """The catalog cannot be opened, read or written."""


class BridgeError(LineageError):
    """Another system of record that cannot be reached, or refuses."""


class NotFoundError(LineageError):
    """The thing asked for is not in the catalog."""


class ConflictError(LineageError):
    """The request would change history."""
