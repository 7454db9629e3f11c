"""Metafile entries, as dvc.lock and `.dvc` files share them: path, digest, parameters, free metadata.

`Place` is a position in a parsed file; errors carry the line of that position.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_pipelines.datasets.metafiles.yaml_reader import Document, YamlError
from lineage_pipelines.errors import DatasetError, RecordError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes, tag
from lineage_pipelines.records.values.content import Content

_FIX = "restore the file with `git checkout`, or record it again with `dvc commit` or `dvc repro`"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_MD5_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSource:
    """Where `dvc import` or `dvc import-url` took data from, as the `.dvc` file says, credentials included."""

    kind: str
    """`import` (from a DVC or Git repository) or `import-url`."""
    url: str | None
    """Of the repository, or of the file or folder itself."""
    path: str | None = None
    """In the repository."""
    rev: str | None = None
    """The branch, tag or commit that was asked for."""
    revision: str | None = None
    """The commit that was imported (`rev_lock`)."""
    md5: str | None = None
    """Of what lay at the URL, as `etag` and `checksum`: each where DVC recorded it."""
    etag: str | None = None
    checksum: str | None = None
    version_id: str | None = None
    """Of an object in a versioned bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a metafile records about one path."""

    path: str
    """As written: relative to the working folder of its stage, or a URL."""
    content: Content
    checksum: str | None = None
    """ETag or other checksum of something outside the project."""
    listing: tuple[tuple[str, str | None], ...] = ()
    """Relative path and MD5 of each file, where the metafile itself lists them (cloud-versioned remotes)."""
    imported: ImportSource | None = None
    """Where it was imported from, if it was."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a parsed file."""

    document: Document
    path: tuple[Any, ...] = ()
    value: Any = None

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "value", self.document.value)

    def at(self, key: object) -> "Place":
        """Return the position of `key`; its value is None if the key is missing."""
        return Place(self.document, (*self.path, key), self.mapping().get(key))

    def error(self, what: str, *, fix: str = _FIX) -> YamlError:
        """Make an error about this position."""
        name = ".".join(str(part) for part in self.path)
        message = f"{name}: {what}" if name else what
        return YamlError(message, file=self.document.file, line=self.document.line(*self.path), fix=fix)

    def mapping(self) -> Mapping[Any, Any]:
        """Return the value, a mapping; empty if there is no value."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.error(f"expected a mapping, found {type(self.value).__name__}")
        return self.value

    def items(self) -> list["Place"]:
        """Return the positions of the items of the value, a list; empty if there is no value."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.error(f"expected a list, found {type(self.value).__name__}")
        return [Place(self.document, (*self.path, i), item) for i, item in enumerate(self.value)]

    def text(self) -> str | None:
        """Return the value, text or None."""
        if self.value is None or isinstance(self.value, str):
            return self.value
        raise self.error(f"expected text, found {type(self.value).__name__}")

    def flag(self, *, default: bool) -> bool:
        """Return the value, true or false; `default` if there is no value."""
        if self.value is None:
            return default
        if isinstance(self.value, bool):
            return self.value
        raise self.error(f"expected true or false, found {str(self.value)[:40]!r}")

    def count(self) -> int | None:
        """Return the value, a number of bytes or files, or None."""
        if self.value is None:
            return None
        if isinstance(self.value, int) and not isinstance(self.value, bool) and self.value >= 0:
            return self.value
        raise self.error(f"expected a whole number, found {str(self.value)[:40]!r}")


def recorded(place: Place) -> Recorded:
    """Read one entry of `deps` or `outs`."""
    path = place.at("path").text()
    if not path or "\0" in path:
        raise place.error("an entry without a path")
    md5 = _digest(place.at("md5"))
    listing = tuple(_listed(item) for item in place.at("files").items())
    files = place.at("nfiles").count()
    hash_name, checksum = _hash(place, md5)
    return Recorded(
        path=path,
        content=Content(
            md5=md5,
            hash_name=hash_name,
            size=place.at("size").count(),
            files=len(listing) if listing and files is None else files,
            is_dir=bool(listing) or files is not None or (md5 or "").endswith(".dir"),
        ),
        checksum=checksum,
        listing=listing,
    )


def import_source(deps: list[Place]) -> ImportSource | None:
    """Read from the `deps` of a `.dvc` file where its data was imported from; None if it was not."""
    for dep in deps:
        repo = dep.at("repo")
        if repo.value is not None:
            rev, locked = repo.at("rev").text(), repo.at("rev_lock").text()
            path = dep.at("path").text()
            return ImportSource(kind="import", url=repo.at("url").text(), path=path, rev=rev, revision=locked or rev)
    if not deps:
        return None
    dep = deps[0]
    names = ("etag", "checksum", "version_id")
    known = {name: str(value) for name in names if (value := dep.at(name).value) is not None}
    return ImportSource(kind="import-url", url=dep.at("path").text(), md5=_digest(dep.at("md5")), **known)


def _hash(place: Place, md5: str | None) -> tuple[str, str | None]:
    named = place.at("hash").text()
    for name in ("etag", "checksum"):
        value = place.at(name).value
        if md5 is None and value is not None:
            return named or name, str(value)
    # DVC 2 wrote no `hash`, and hashed text files with their line ends normalised.
    return named or ("md5-dos2unix" if md5 is not None else "md5"), None


def _digest(place: Place) -> str | None:
    value = str(place.value).lower() if isinstance(place.value, int | str) else place.value
    if value is None or value == "":
        return None
    if isinstance(value, str) and _MD5.fullmatch(value):
        return value
    digits = str(value).removesuffix(".dir")
    if re.fullmatch(r"[0-9a-f]+", digits):
        raise place.error(f"an MD5 has {_MD5_LENGTH} hex characters, this has {len(digits)}: {digits[:80]!r}")
    raise place.error(f"not an MD5: {str(value)[:80]!r}")


def _listed(place: Place) -> tuple[str, str | None]:
    path = place.at("relpath").text()
    if not path:
        raise place.error("an entry without a relpath")
    return path, _digest(place.at("md5"))


def command(place: Place) -> str:
    """Read `cmd`: text or a list of texts, joined by new lines."""
    if isinstance(place.value, list):
        return "\n".join(str(item.value) for item in place.items())
    text = place.text()
    if text is None:
        raise place.error("the entry has no command")
    return text


def params(place: Place) -> dict[str, dict[str, Json]]:
    """Read `params`: file name to parameter to value."""
    files = ((str(name), place.at(name)) for name in place.mapping())
    return {name: {str(key): plain(item) for key, item in values.mapping().items()} for name, values in files}


def meta(place: Place) -> Mapping[str, Json]:
    """Read `meta`, which has no schema; a value that is not a mapping is returned under `value`."""
    value = plain(place.value)
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else {"value": value}


def plain(value: Any) -> Json:  # noqa: ANN401  # anything that YAML holds
    """Return a YAML value as JSON: keys become text, and numbers that are not finite their YAML spelling."""
    if isinstance(value, dict):
        return {_word(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _word(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _word(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return str(value)


def canonical_entry(raw: Json, where: str) -> bytes:
    """Return the canonical bytes of an entry.

    Raises:
        DatasetError: a value in it has no canonical form.
    """
    try:
        return canonical_bytes(tag(raw))
    except RecordError as error:
        raise DatasetError(f"the entry has no canonical form: {error.what}", where=where, fix=_FIX) from error
