"""Model files that are safe to load (skops, never pickle), and a digest of a file's content apart from its bytes."""

import contextlib
import hashlib
import json
import pkgutil
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any, BinaryIO

from lineage_pipelines.artifacts.artifact_store import explained
from lineage_pipelines.artifacts.trusted_types import outside_trust, refuse_untrusted
from lineage_pipelines.errors import ArtifactError

_SCHEMA = "schema.json"
_ID = "__id__"
_BLOCK = 1 << 20


def content_digest(path: Path, kind: str) -> str:
    """Return the SHA-256 (hex) of the content of a model file, without loading the model.

    Args:
        path: the file.
        kind: its format, `skops`.

    Raises:
        ArtifactError: the format is another one, or the file is damaged.
    """
    if kind != FORMAT:
        raise ArtifactError(f"the content of a {kind!r} file cannot be compared", where=str(path))
    check_container(path)
    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read(_SCHEMA))
            members = {name: _member(archive, name) for name in archive.namelist() if name != _SCHEMA}
    except (KeyError, ValueError, RecursionError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ArtifactError(f"the model file is damaged: {error}", where=str(path)) from error
    plain = _Plain(members).of(schema)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _member(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class _Plain:
    """Removes from a schema what does not describe the model: identities and file names."""

    def __init__(self, members: dict[str, str]) -> None:
        self._members = members
        self._numbers: dict[object, int] = {}

    def of(self, node: Any) -> Any:  # noqa: ANN401  # JSON of any shape
        if isinstance(node, dict):
            return {name: self._field(name, value) for name, value in node.items()}
        if isinstance(node, list):
            return [self.of(value) for value in node]
        return node

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401
        if name == _ID and isinstance(value, int):
            return self._numbers.setdefault(value, len(self._numbers))
        if isinstance(value, str) and value in self._members:
            return self._members[value]
        return self.of(value)


FORMAT = "skops"
_PARTIAL = "functools.partial"
_PARTIALS_OF_SKLEARN = frozenset(["sklearn.utils.validation.check_array"])
"""The functions of the partials that estimators of scikit-learn hold by themselves: gradient boosting on categories."""
_UNLOADABLE = ("__main__.", "<lambda>", "<locals>")
_MAGIC = b"PK\x03\x04"
_MAX_UNPACKED = 8 << 30
_MAX_RATIO = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """A model as a file, and what loading it needs."""

    path: Path
    format: str
    estimator: str
    """Qualified class name."""
    trusted_types: tuple[str, ...]
    """Qualified names, sorted: what the file needs beyond skops's own list."""
    requirements: tuple[str, ...]
    """`name==version` of the distributions that those types come from, sorted."""


def save_model(estimator: object, into: Path, *, trusted_types: Sequence[str] = ()) -> SavedModel:
    """Save an estimator as `model.skops` in a folder.

    Args:
        estimator: the fitted estimator.
        into: a folder.
        trusted_types: the types that the author declares, beyond scikit-learn, NumPy and SciPy.

    Raises:
        ArtifactError: skops cannot save it, or it holds a type that could not be loaded again or is not declared; the
            message names the type.
    """
    import skops.io

    name = _qualified(type(estimator))
    _refuse_unloadable([name])
    path = into / "model.skops"
    with explained(path, 0), path.open("wb") as file:
        _dump(estimator, file, name)
    needed = sorted(skops.io.get_untrusted_types(file=path))
    _refuse_unloadable(needed)
    _refuse_undeclared({*outside_trust(needed, trusted_types), *_foreign_partials(path, trusted_types)})
    return SavedModel(
        path=path,
        format=FORMAT,
        estimator=name,
        trusted_types=tuple(needed),
        requirements=tuple(sorted(set(_requirements([name, *needed])))),
    )


def _dump(estimator: object, file: BinaryIO, name: str) -> None:
    import skops.io

    try:
        skops.io.dump(estimator, file)
    except OSError:
        raise
    except Exception as error:
        raise ArtifactError(
            f"skops cannot save this estimator: {error}",
            where=name,
            fix="replace that part with a scikit-learn estimator or a class of an importable module",
        ) from error


def _refuse_unloadable(types: Sequence[str]) -> None:
    odd = [name for name in types if any(part in f"{name}." for part in _UNLOADABLE) or not _is_found(name)]
    if odd:
        raise ArtifactError(
            f"the model contains types that no other process can load: {', '.join(odd)}",
            fix="move it into an importable module and give it a name there",
        )


def _is_found(name: str) -> bool:
    # skops writes the bare name of a class within a function or another class, under which no reader finds it.
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return False
    return True


def _refuse_undeclared(types: Collection[str]) -> None:
    unknown = sorted(types)
    if unknown:
        lines = ", ".join(repr(name) for name in unknown)
        raise ArtifactError(
            f"the model contains types that are not declared: {', '.join(unknown)}",
            fix=f"review their code; if loading them is safe, declare them: @model_asset(…, trusted_types=[{lines}])",
        )


def _foreign_partials(path: Path, trusted: Collection[str]) -> tuple[str, ...]:
    """Return `functools.partial` if the file holds one that is neither trusted nor one that scikit-learn itself makes.

    The type alone says nothing: a partial calls any function with any arguments.
    """
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read(_SCHEMA))
    functions = {_function_of(node) for node in _nodes(schema) if node.get("__loader__") == "PartialNode"}
    return () if functions <= _PARTIALS_OF_SKLEARN or _PARTIAL in trusted else (_PARTIAL,)


def _function_of(partial: Mapping[str, Any]) -> str:
    function = partial["content"]["func"]
    return f"{function['__module__']}.{function['__class__']}" if function["__loader__"] == "FunctionNode" else ""


def _nodes(schema: object) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def load_model_file(path: Path, *, trusted_types: Sequence[str] = (), asked_by: str = "") -> object:
    """Load a model file, instantiating only types that the reader trusts.

    The caller has checked the file's digest against the record. skops checks types, not content: a
    malicious file could still crash the reader, which is why the digest is checked first.

    Args:
        path: the file.
        trusted_types: what the reader trusts beyond scikit-learn, NumPy and SciPy; never what the record asks for.
        asked_by: the record that names the file, for the message.

    Raises:
        ArtifactError: it is not a skops file, too large unpacked, damaged, or needs a type that is not trusted.
    """
    import skops.io

    check_container(path)
    try:
        needed = skops.io.get_untrusted_types(file=path)
        foreign = _foreign_partials(path, trusted_types)
        refuse_untrusted(needed, trusted_types, also=foreign, asked_by=asked_by or str(path))
        return skops.io.load(path, trusted=needed)
    except (ArtifactError, MemoryError):
        raise
    except Exception as error:
        raise ArtifactError(
            f"the model file cannot be loaded: {type(error).__name__}: {error}",
            where=str(path),
            fix="load it with the library versions that its record names (lineage show)",
        ) from error


def check_container(path: Path) -> None:
    """Check that a file is a skops file, is not damaged, and does not unpack to an excessive size.

    Raises:
        ArtifactError: one of these is not so.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ArtifactError(f"cannot read the model file: {error.strerror}", where=str(path)) from error
    if magic != _MAGIC:
        raise ArtifactError(
            "not a skops file, despite its name", where=str(path), fix="pickles and joblib files are never loaded"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:  # whatever its reader does not expect
        raise ArtifactError(f"the model file is damaged: {error}", where=str(path)) from error
    packed = path.stat().st_size
    if unpacked > _MAX_UNPACKED or unpacked > _MAX_RATIO * max(packed, 1 << 16):
        raise ArtifactError(f"the model file unpacks to {unpacked:,} bytes from {packed:,}", where=str(path))


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _requirements(types: Sequence[str]) -> Iterator[str]:
    # Not `packages_distributions`: for three packages it parses the metadata and every path of all that is installed.
    needed = {name.partition(".")[0] for name in types}
    for distribution in distributions():
        provided = needed & _provided(distribution, needed)
        if provided:
            needed -= provided
            with contextlib.suppress(PackageNotFoundError):
                name = distribution.metadata["Name"]
                yield f"{name}=={version(name)}"


def _provided(distribution: Distribution, packages: Collection[str]) -> set[str]:
    """Return which packages a distribution provides: those it declares, else those whose files it lists."""
    declared = (distribution.read_text("top_level.txt") or "").split()
    if declared:
        return set(declared)
    lines = f"\n{distribution.read_text('RECORD') or _listed(distribution)}"
    return {name for name in packages if f"\n{name}/" in lines or f"\n{name}.py" in lines}


def _listed(distribution: Distribution) -> str:
    return "".join(f"{path}\n" for path in distribution.files or ())
