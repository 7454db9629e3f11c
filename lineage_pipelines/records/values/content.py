"""Content of a file or folder as DVC records it: digest, size and number of files, each where it is known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is recorded of some data, wherever it lies."""

    md5: str | None = None
    """32 hex characters, with `.dir` for a directory; None when nothing is recorded yet, or by another checksum."""
    hash_name: str = "md5"
    """`md5`, or `md5-dos2unix` as DVC 2 wrote it (another place in the cache); `etag` or `checksum` for a URL."""
    size: int | None = None
    """Bytes, of all files together."""
    files: int | None = None
    """How many files a directory holds."""
    is_dir: bool = False
