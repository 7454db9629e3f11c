"""Gaps: what could not be captured, returned beside the value and the large parts that it names by digest."""

from collections.abc import Mapping

from lineage_pipelines.records.values.digest import Digest

Blobs = Mapping[Digest, bytes]
"""Large parts by their SHA-256; they are stored with the record."""

Gaps = tuple[str, ...]
"""What is missing, by the path of the fact in the record: `code.revision: no Git repository`."""


def plain_path(path: str) -> str:
    """Return a path as text that a record can hold; bytes that are not UTF-8 are escaped."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
