"""Node builder: from what DVC resolved, or what a `.dvc` file says, to a node without its edges: a draft.

Follows how DVC itself fills a stage (merging repeated entries, defaults); whatever has the wrong type after
templating is refused in words, where DVC would stop with an assertion.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_pipelines.datasets.metafiles.metafile_entries import plain
from lineage_pipelines.datasets.metafiles.path_rules import Key, Location, Locator
from lineage_pipelines.datasets.metafiles.problems import RefusedError
from lineage_pipelines.datasets.pipeline.pipeline_graph import (
    Output,
    ParamsDependency,
    Stage,
    StageDependency,
    TrackedFile,
)
from lineage_pipelines.records.values.canonical import Json

_DEFAULT_PARAMS = "params.yaml"
_KINDS = {"outs": "out", "metrics": "metric", "plots": "plot"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A node whose dependencies do not know their producers yet."""

    node: Stage | TrackedFile
    outs: tuple[Location, ...]
    deps: tuple[Location, ...]
    """In the order of the node's `deps`."""
    params: tuple[Location, ...] = ()
    linked: bool = True
    """False for an import from another repository: DVC draws no edges from it."""

    @property
    def dep_keys(self) -> tuple[Key, ...]:
        """Return what takes part in the graph."""
        places = (*self.deps, *self.params) if self.linked else ()
        return tuple(place.key for place in places if place.key is not None)


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts the nodes of one project."""

    locator: Locator
    ignored_by: Callable[[str], str | None]
    """Which .dvcignore pattern ignores an absolute path; None when none does."""

    def stage(self, file: str, name: str, line: int, data: Mapping[str, Any]) -> Draft:
        """Draft a stage.

        Args:
            file: its dvc.yaml, relative to the DVC root.
            name: its name, with `@` and the item when generated.
            line: of its definition.
            data: its definition after templating.

        Raises:
            RefusedError: something in it cannot be; the message says what.
        """
        folder = self._folder(file, data.get("wdir"))
        deps = tuple(self._dep(text, folder) for text in _texts(data.get("deps"), "deps"))
        params = tuple((self._dep(path, folder), keys) for path, keys in _params(data.get("params")))
        outs = [
            (self._out(path, folder), flags, kind)
            for field, kind in _KINDS.items()
            for path, flags in _merged(data.get(field), field).items()
        ]
        node = Stage(
            address=name if file == "dvc.yaml" else f"{file}:{name}",
            name=name,
            file=file,
            line=line,
            wdir=posixpath.relpath(folder, self.locator.root),
            command="\n".join(_texts(data.get("cmd"), "cmd")),
            deps=tuple(StageDependency(path=place.path, external=place.external) for place in deps),
            params=tuple(ParamsDependency(file=place.path, keys=keys) for place, keys in params),
            outs=tuple(_output(place, flags, kind) for place, flags, kind in outs),
            frozen=bool(data.get("frozen")),
            always_changed=bool(data.get("always_changed")),
            desc=_optional_text(data.get("desc")),
            meta=_meta(data.get("meta")),
        )
        return Draft(node, tuple(place for place, _, _ in outs), deps, tuple(place for place, _ in params))

    def tracked(self, file: str, data: Mapping[str, Any]) -> Draft:
        """Draft a `.dvc` file.

        Raises:
            RefusedError: something in it cannot be; the message says what.
        """
        folder = self._folder(file, data.get("wdir"))
        outs = [(self._out(_path_of(entry), folder), entry) for entry in data.get("outs") or ()]
        sources = list(data.get("deps") or ())
        deps = tuple(self._source(entry, folder) for entry in sources)
        repo = next((entry["repo"] for entry in sources if entry.get("repo")), None)
        node = TrackedFile(
            file=file,
            wdir=posixpath.relpath(folder, self.locator.root),
            outs=tuple(_output(place, entry, "out") for place, entry in outs),
            deps=tuple(StageDependency(path=place.path, external=place.external) for place in deps),
            frozen=bool(data.get("frozen") or data.get("locked")),
            desc=_optional_text(data.get("desc")),
            meta=_meta(data.get("meta")),
            source="import" if repo else "import-url" if sources else "add",
            url=repo["url"] if repo else sources[0].get("path") if sources else None,
            revision=(repo.get("rev_lock") or repo.get("rev")) if repo else None,
        )
        # DVC draws no edges from an import out of a repository or a database, and one has exactly one of each.
        imported = len(sources) == 1 and len(outs) == 1 and bool(repo or sources[0].get("db"))
        return Draft(node, tuple(place for place, _ in outs), deps, linked=not imported)

    def _folder(self, file: str, wdir: object) -> str:
        if wdir is not None and not isinstance(wdir, str):
            raise RefusedError(f"wdir is {wdir!r}, not a path")
        return posixpath.normpath(posixpath.join(self.locator.root, posixpath.dirname(file), wdir or "."))

    def _dep(self, text: str, folder: str) -> Location:
        if _is_metafile(text):
            raise RefusedError(f"the DVC file {text!r} cannot be a dependency")
        return self.locator.locate(text, folder)

    def _source(self, entry: Mapping[str, Any], folder: str) -> Location:
        if entry.get("repo") or entry.get("db"):
            return Location(str(entry.get("path") or "database"), None, external=True)
        return self._dep(_path_of(entry), folder)

    def _out(self, text: str, folder: str) -> Location:
        if _is_metafile(text):
            raise RefusedError(f"the DVC file {text!r} cannot be an output")
        place = self.locator.locate(text, folder)
        if not place.external and (pattern := self.ignored_by(posixpath.join(self.locator.root, place.path))):
            raise RefusedError(f"the output {text!r} is ignored by {pattern}")
        return place


def _is_metafile(text: str) -> bool:
    return text.endswith(".dvc") or posixpath.basename(text) == "dvc.yaml"


def _path_of(entry: Mapping[str, Any]) -> str:
    path = entry.get("path")
    if not isinstance(path, str) or not path:
        raise RefusedError("an entry without a path")
    return path


def _texts(value: Any, field: str) -> list[str]:  # noqa: ANN401  # anything that templating gives
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list):
        raise RefusedError(f"{field} is a {type(value).__name__}, not a list")
    for item in items:
        if not isinstance(item, str) or not item:
            raise RefusedError(f"{field} holds {item!r}, not a text")
    return items


def _params(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:  # noqa: ANN401
    keys: dict[str, list[str]] = {}
    items = value or []
    if not isinstance(items, list):
        raise RefusedError(f"params is a {type(value).__name__}, not a list")
    whole = {str(file) for item in items if isinstance(item, dict) for file, names in item.items() if not names}
    for item in items:
        pairs = item.items() if isinstance(item, dict) else [(_DEFAULT_PARAMS, [item])]
        for file, names in pairs:
            if not isinstance(names or [], list) or not all(isinstance(name, str) for name in names or []):
                raise RefusedError(f"the parameters of {file!r} are {names!r}, not a list of names")
            keys.setdefault(str(file), []).extend(names or [])
    for file, names in keys.items():
        yield file, () if file in whole else tuple(dict.fromkeys(names))


def _merged(value: Any, field: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    merged: dict[str, dict[str, Any]] = {}
    if not isinstance(value or [], list):
        raise RefusedError(f"{field} is a {type(value).__name__}, not a list")
    for item in value or []:
        for path, flags in (item if isinstance(item, dict) else {item: {}}).items():
            if not isinstance(path, str) or not path or not isinstance(flags, dict):
                raise RefusedError(f"{field} holds {item!r}, neither a path nor a path with options")
            merged.setdefault(path, {}).update(flags)
    return merged


def _output(place: Location, flags: Mapping[str, Any], kind: str) -> Output:
    labels: Sequence[object] = flags.get("labels") or ()
    return Output(
        path=place.path,
        kind=kind,
        cache=bool(flags.get("cache", True)),
        persist=bool(flags.get("persist", False)),
        push=bool(flags.get("push", True)),
        remote=_optional_text(flags.get("remote")),
        desc=_optional_text(flags.get("desc")),
        meta=_meta(flags.get("meta")),
        labels=tuple(str(label) for label in labels),
        type=_optional_text(flags.get("type")),
    )


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)


def _meta(value: object) -> Mapping[str, Json]:
    found = plain(value)
    if found is None:
        return {}
    return found if isinstance(found, Mapping) else {"value": found}
