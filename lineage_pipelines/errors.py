"""The errors a user can meet, one family under `LineageError`, and how text of others is shown to people.

An error means that a question could not be answered or that a fact could not be stated honestly. A mismatch that was
found is an answer (a `Finding`), never an exception. Every message says what, where, and what to do.
"""

import re

# Control characters could move the cursor, bidirectional ones reorder what is read, tags and joiners hide in it.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return text with control, bidirectional and invisible characters written out as escapes, line breaks included.

    Text of a record, a file or another system passes through here wherever it is shown: a terminal obeys what stands in
    it.
    """
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_lines(text: str) -> str:
    """Return text of several lines, each of them `visible`."""
    return "\n".join(map(visible, text.split("\n")))


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
        parts = [("", self.what), ("  where: ", self.where), ("  fix:   ", self.fix)]
        # What a line break in the text of others begins is indented, so that it is not taken for a line of ours.
        shown = [(label, visible_lines(text).replace("\n", "\n         ")) for label, text in parts]
        return "\n".join(f"{label}{text}" for label, text in shown if text)


class RecordError(LineageError):
    """Bytes or values that are not a valid record."""


class CaptureError(LineageError):
    """A fact about a run that cannot be stated honestly."""


class DatasetError(LineageError):
    """Data or a DVC metafile that is missing, altered or unreadable."""


class ArtifactError(LineageError):
    """A stored file that is missing, altered, or not safe to load."""


class PurgedError(ArtifactError):
    """A stored file that was removed on purpose; the log says by whom and why."""


class CatalogError(LineageError):
    """The catalog cannot be opened, read or written."""


class BridgeError(LineageError):
    """Another system of record that cannot be reached, or refuses."""


class NotFoundError(LineageError):
    """The thing asked for is not in the catalog."""


class ConflictError(LineageError):
    """The request would change history."""
