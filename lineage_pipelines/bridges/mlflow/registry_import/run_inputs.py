"""Run inputs: the datasets that a run logged, with our own digests or those that DVC recorded at the run's commit."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.param_codec import plain
from lineage_pipelines.bridges.mlflow.registry_import.completeness_builder import CompletenessBuilder
from lineage_pipelines.bridges.mlflow.registry_import.dvc_at_commit import CommitData, CommitHistory, Found
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.dataset import Column, DatasetSnapshot, Grade, StageRun
from lineage_pipelines.records.values.digest import DigestSet

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_ARROW = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "datetime": "timestamp[ns]",
}
"""MLflow's names of types, and Arrow's."""
_LIMIT = 5_000
_LONGEST = 200


def read_schema(text: str | None) -> tuple[Column, ...]:
    """Return the columns of a dataset; none where MLflow has no table's schema."""
    try:
        logged = json.loads(text or "{}")
        columns = logged["mlflow_colspec"] if isinstance(logged, dict) else []
        found = [_column(each) for each in columns[:_LIMIT]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(found) if len({column.name for column in found}) == len(found) else ()


def _column(logged: Any) -> Column:  # noqa: ANN401  # JSON of any shape
    kind = str(logged["type"])
    name = plain(str(logged["name"]))[:_LONGEST]
    return Column(name=name, type=_ARROW.get(kind, plain(kind)[:_LONGEST]), nullable=logged.get("required") is not True)


_CONTEXT = "mlflow.data.context"
_ROLES = {
    "training": "train",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "validating": "validation",
    "val": "validation",
    "valid": "validation",
}
MEASURED = ("test", "validation")
"""Roles of data that a model is measured on."""
_REMEMBERED = 16
"""Commits; versions that follow each other often share one."""
_MIN_PARTS = 2
"""An absolute path of another machine is matched by its end; one word alone would match too much."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run read."""

    data: tuple[DatasetSnapshot, ...] = ()
    stages: tuple[StageRun, ...] = ()


class InputReader:
    """Finds the snapshots of runs.

    Args:
        history: of the project that the catalog is kept for.
    """

    def __init__(self, history: CommitHistory) -> None:
        self._history = history
        self._recorded: dict[str, CommitData] = {}

    def look_up(self, revisions: Sequence[str]) -> None:
        """Prepare for runs of these commits."""
        self._history.look_up(revisions)

    def read(self, inputs: "Sequence[DatasetInput]", revision: str | None, completeness: CompletenessBuilder) -> Inputs:
        """Return the snapshots of a run's inputs; what was not found is logged in `completeness`."""
        data: list[DatasetSnapshot] = []
        stages: dict[str, StageRun] = {}
        for name, given in _named(inputs):
            found = _ours(name, given)
            if found is not None:
                completeness.add_declared(
                    f"data.{name}", "its digests, by the tags that lineage-pipelines wrote in MLflow"
                )
                found = self._prepared(found, given, revision, completeness, stages)
            else:
                found = self._search(name, given, revision, completeness, stages)
            if found is not None:
                data.append(found)
        return Inputs(tuple(data), tuple(stages.values()))

    def _search(
        self,
        name: str,
        given: "DatasetInput",
        revision: str | None,
        completeness: CompletenessBuilder,
        stages: dict[str, StageRun],
    ) -> DatasetSnapshot | None:
        found = self._find(given, revision)
        if isinstance(found, str):
            digest = plain(str(given.dataset.digest))[:40]
            what = f"MLflow's digest {digest} covers 10,000 rows at most and identifies nothing"
            completeness.add_missing(f"data.{name}", f"{what}; {found}")
            return None
        how = f"DVC's {found.path} at commit {str(revision)[:12]}, found by the run's commit and the path"
        completeness.add_inferred(f"data.{name}", f"{how}; that the run read these bytes is not known")
        completeness.missing.extend(found.chain.gaps)
        stages.update((run.name, run) for run in found.chain.runs)
        return _snapshot(name, given, found)

    def _prepared(
        self,
        ours: DatasetSnapshot,
        given: "DatasetInput",
        revision: str | None,
        completeness: CompletenessBuilder,
        stages: dict[str, StageRun],
    ) -> DatasetSnapshot:
        """Return a snapshot that our tags name with the preparation behind it, where DVC recorded these very bytes."""
        found = self._find(given, revision)
        if isinstance(found, str) or found.md5 != ours.digest.md5:
            why = found if isinstance(found, str) else f"DVC recorded other bytes at commit {str(revision)[:12]}"
            completeness.add_missing("stages", f"how {ours.name} was prepared: {why}")
            return ours
        completeness.add_inferred(
            "stages", f"how {ours.name} was prepared: DVC recorded its MD5 at commit {str(revision)[:12]}"
        )
        completeness.missing.extend(found.chain.gaps)
        stages.update((run.name, run) for run in found.chain.runs)
        return replace(ours, produced_by=_maker(found))

    def _find(self, given: "DatasetInput", revision: str | None) -> Found | str:
        places = list(_places(given.dataset.source))
        if not places:
            return f"its source ({plain(str(given.dataset.source_type))[:40]}) names no file"
        recorded = self._at(revision)
        if isinstance(recorded, str):
            return f"no DVC snapshot was found: {recorded}"
        for place in places:
            for path in self._paths(place):
                if (found := recorded.find(path)) is not None:
                    return found
        why = f"; {recorded.problem}" if recorded.problem else ""
        return f"DVC tracked no {plain(_shown(places[0]))[:200]!r} at commit {str(revision)[:12]}{why}"

    def _at(self, revision: str | None) -> CommitData | str:
        metafiles = self._history.at(revision)
        if isinstance(metafiles, str):
            return metafiles
        assert self._history.project is not None  # noqa: S101  # else there was a reason
        known = self._recorded.get(str(revision))
        if known is None:
            if len(self._recorded) >= _REMEMBERED:
                self._recorded.clear()
            known = self._recorded[str(revision)] = CommitData(self._history.project, metafiles)
        return known

    def _paths(self, place: str) -> Iterator[str]:
        """Yield what a path may be called in the project: relative to its root, or by the end of one elsewhere."""
        parts = urlsplit(place)
        if parts.scheme not in ("", "file"):
            yield place
            return
        path = posixpath.normpath(unquote(parts.path) if parts.scheme else place)
        root = str(self._history.project.root) if self._history.project else ""
        if path.startswith(f"{root}/"):
            yield posixpath.relpath(path, root)
        names = PurePosixPath(path).parts
        if not path.startswith(("/", "..")):
            yield path
        ends = ("/".join(names[start:]) for start in range(1, len(names) - _MIN_PARTS + 1))
        yield from (end for end in ends if not end.startswith(".."))


def _named(inputs: "Sequence[DatasetInput]") -> "Iterator[tuple[str, DatasetInput]]":
    """Yield each input with a name that no other has: its own, its role where two share one, then a number."""
    seen: set[tuple[str, ...]] = set()
    taken: set[str] = set()
    for given in inputs:
        logged = _tags(given)
        own = plain(logged.get(tags.INPUT) or given.dataset.name or "dataset")
        key = (own, role_of(logged, own), str(given.dataset.digest), str(given.dataset.source))
        if key in seen:
            continue
        seen.add(key)
        choices = [own, f"{own}_{role_of(logged, own)}", *(f"{own}_{number}" for number in range(2, len(inputs) + 2))]
        name = next(choice for choice in choices if choice not in taken)
        taken.add(name)
        yield name, given


def _tags(given: "DatasetInput") -> dict[str, str]:
    return {tag.key: tag.value for tag in given.tags or ()}


def role_of(logged: Mapping[str, str], name: str) -> str:
    """Return an input's role by the context that it was logged with, else its name."""
    context = plain(logged.get(_CONTEXT) or name)
    return _ROLES.get(context.lower(), context)


def _ours(name: str, given: "DatasetInput") -> DatasetSnapshot | None:
    """Return the snapshot that our own tags name, if they do."""
    logged, profile, source = _tags(given), _json(given.dataset.profile), _json(given.dataset.source)
    size, files, rows = (profile.get(key) for key in ("size", "files", "num_rows"))
    if tags.SHA256 not in logged or not isinstance(size, int) or not isinstance(files, int):
        return None
    try:
        digest = DigestSet(md5=logged.get(tags.MD5), sha256=logged[tags.SHA256])
    except RecordError:
        return None
    key = source.get("asset_key")
    return DatasetSnapshot(
        name=name,
        role=role_of(logged, name),
        path=plain(str(source.get("uri") or given.dataset.name)),
        asset_key=plain(key) if isinstance(key, str) else None,
        digest=digest,
        size=size,
        files=files,
        rows=rows if isinstance(rows, int) else None,
        schema=read_schema(given.dataset.schema),
        grade=Grade.DECLARED,
    )


def _snapshot(name: str, given: "DatasetInput", found: Found) -> DatasetSnapshot:
    rows = _json(given.dataset.profile).get("num_rows")
    return DatasetSnapshot(
        name=name,
        role=role_of(_tags(given), name),
        path=found.path,
        digest=DigestSet(md5=found.md5),
        size=found.size,
        files=found.files,
        rows=rows if isinstance(rows, int) and not isinstance(rows, bool) else None,
        schema=read_schema(given.dataset.schema),
        grade=Grade.INFERRED,
        produced_by=_maker(found),
        extra={"hash": found.hash_name} if found.hash_name != "md5" else {},
    )


def _maker(found: Found) -> str | None:
    return found.maker if any(run.name == found.maker for run in found.chain.runs) else None


def _places(source: str | None) -> Iterator[str]:
    """Yield the paths and URLs in a dataset's source: MLflow's kinds of source call them by different names."""
    logged = _json(source)
    for key in ("uri", "url", "path"):
        value = logged.get(key)
        if isinstance(value, str) and value and "\0" not in value:
            yield value


def _shown(place: str) -> str:
    """Return a place without this machine's folders and without what a URL may hold of secrets."""
    parts = urlsplit(place)
    if parts.scheme in ("", "file"):
        return posixpath.basename(parts.path) if parts.path.startswith("/") else place
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _json(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
