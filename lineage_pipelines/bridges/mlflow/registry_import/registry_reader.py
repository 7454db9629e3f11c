"""Reader of an MLflow registry, in pages; and the raw payload of each version, with the key that identifies it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lineage_pipelines.bridges.mlflow.mlflow_limits import chunks, filter_value
from lineage_pipelines.bridges.mlflow.param_codec import without_secrets
from lineage_pipelines.bridges.mlflow.server import read_pages, translated_errors
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines.records.values.codec import to_json
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.store.entities import PagedList

_Thing = TypeVar("_Thing")
PAGE = 250
"""Versions that are read, and kept in memory, at a time."""
_RUNS = 100
"""Runs that are asked for in one request: a server may bound a filter's length."""
_LIMIT = 1000
_PARENT = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersion:
    """One registered version, with its run and what was nested in it."""

    model: "RegisteredModel"
    version: "ModelVersion"
    run: "Run | None"
    """None where it was registered without one, or the run is gone."""
    experiment: str | None
    """The name of the run's experiment."""
    alternatives: "Sequence[Run]"
    """Runs that were nested with it, itself among them where it was nested."""

    @property
    def number(self) -> str:
        """The version's number in MLflow."""
        return str(self.version.version)

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases that name it in MLflow now, sorted."""
        return tuple(sorted(name for name, number in aliases_of(self.model).items() if number == self.number))


def aliases_of(model: "RegisteredModel") -> dict[str, str]:
    """Return which version each alias names; stores disagree on whether that is text."""
    named: Mapping[str, Any] = model.aliases or {}
    return {str(alias): str(number) for alias, number in named.items()}


class Registry:
    """One registry.

    Args:
        client: MLflow's own.
        address: where it is, for errors.

    Raises, whatever is asked:
        LostServerError: it cannot answer.
    """

    def __init__(self, client: "MlflowClient", address: str) -> None:
        self.client = client
        self.address = address
        self._experiments: dict[str, str] = {}
        self._nested: dict[str, dict[str, list[Run]]] = {}

    def models(self) -> "Sequence[RegisteredModel]":
        """Return every registered model, the oldest first."""
        found = list(self._paged(lambda token: self.client.search_registered_models(max_results=100, page_token=token)))
        return sorted(found, key=lambda model: (model.creation_timestamp or 0, model.name))

    def count(self, model: "RegisteredModel") -> int:
        """Return how many versions a model may have: the newest one's number."""
        newest = [int(version.version) for version in model.latest_versions or ()]
        return max(newest, default=0)

    def pages(self, name: str) -> "Iterator[list[ModelVersion]]":
        """Yield the versions of a model in MLflow's order, a page at a time; deleted ones are not there any more."""
        ask, order = _filter(name), ["version_number ASC"]
        for page in read_pages(
            self.address,
            lambda token: self.client.search_model_versions(ask, max_results=PAGE, order_by=order, page_token=token),
        ):
            yield sorted((each for each in page if each.name == name), key=lambda each: int(each.version))

    def describe(self, model: "RegisteredModel", versions: "Sequence[ModelVersion]") -> "Iterator[RegisteredVersion]":
        """Yield versions with their runs and what was nested in these."""
        runs = self._runs({version.run_id for version in versions if version.run_id})
        for experiment in {run.info.experiment_id for run in runs.values()} - self._nested.keys():
            self._nested[experiment] = self._read_nested(experiment)
        for version in versions:
            run = runs.get(version.run_id or "")
            yield RegisteredVersion(
                model=model,
                version=version,
                run=run,
                experiment=self._experiments.get(run.info.experiment_id) if run else None,
                alternatives=self._alternatives(run) if run else (),
            )

    def place(self, version: "ModelVersion") -> str:
        """Return the address of a version's files."""
        if not (version.source or "").startswith("models:"):
            return str(version.source or "")
        with translated_errors(self.address):
            return str(self.client.get_model_version_download_uri(version.name, str(version.version)))

    def ping(self) -> None:
        """Check that the server answers."""
        with translated_errors(self.address):
            self.client.search_registered_models(max_results=1)

    def _runs(self, ids: set[str]) -> "dict[str, Run]":
        found = dict(self._search(ids))
        if len(found) < len(ids) or not self._experiments:
            known = set(self._experiments)
            self._read_experiments()
            if set(self._experiments) != known:
                found |= dict(self._search(ids - found.keys()))
        return found

    def _search(self, ids: Iterable[str]) -> "Iterator[tuple[str, Run]]":
        if not self._experiments:
            return
        whole_view = _all_view()
        for part in chunks(sorted(ids), _RUNS):
            ask = f"attributes.run_id IN ({', '.join(filter_value(run) for run in part)})"
            with translated_errors(self.address):
                runs = self.client.search_runs([*self._experiments], ask, whole_view, max_results=_RUNS)
            yield from ((run.info.run_id, run) for run in runs)

    def _read_experiments(self) -> None:
        found = self._paged(
            lambda token: self.client.search_experiments(_all_view(), max_results=_LIMIT, page_token=token)
        )
        self._experiments = {each.experiment_id: each.name for each in found}

    def _read_nested(self, experiment: str) -> "dict[str, list[Run]]":
        ask = f"tags.`{_PARENT}` != ''"
        nested: dict[str, list[Run]] = {}
        for run in self._paged(
            lambda token: self.client.search_runs(
                [experiment],
                ask,
                _all_view(),
                max_results=_LIMIT,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
        ):
            nested.setdefault(run.data.tags[_PARENT], []).append(run)
        return nested

    def _alternatives(self, run: "Run") -> "Sequence[Run]":
        """Return the runs nested in a run; for one that is nested itself, those beside it."""
        nested = self._nested[run.info.experiment_id]
        return nested.get(run.info.run_id) or nested.get(run.data.tags.get(_PARENT, "")) or ()

    def _paged(self, ask: "Callable[[str | None], PagedList[_Thing]]") -> "Iterator[_Thing]":
        for page in read_pages(self.address, ask):
            yield from page


def _filter(name: str) -> str:
    try:
        return f"name = {filter_value(name)}"
    except ValueError:  # both kinds of quotes: any letter in their place, and the names are compared afterwards
        pattern = "".join("_" if letter in "'\"\\%" else letter for letter in name)
        return f"name LIKE '{pattern}'"


def _all_view() -> int:
    from mlflow.entities import ViewType

    return int(ViewType.ALL)


def choose(models: "Sequence[RegisteredModel]", names: Sequence[str]) -> "list[RegisteredModel]":
    """Return the models of these names, or all.

    Raises:
        NotFoundError: MLflow has none of such a name.
    """
    by_name = {model.name: model for model in models}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        there = ", ".join(repr(name) for name in [*by_name][:5]) or "none"
        raise NotFoundError(f"MLflow has no registered model {unknown[0]!r}", fix=f"it has: {there}")
    return [by_name[name] for name in names] if names else list(models)


def run_key(version: "ModelVersion") -> str:
    """Return the key of a version: SHA-256 (hex) of the canonical JSON of what never changes of it in MLflow."""
    number, run = str(version.version), version.run_id or None
    known: list[Json] = ["mlflow", version.name, number, version.creation_timestamp, run]
    return Digest.of(canonical_bytes(known)).hex


def raw_payload(registered: RegisteredVersion) -> bytes:
    """Return the raw payload of a version as canonical JSON, parameters as text; without secrets."""
    version, model = registered.version, registered.model
    whole: dict[str, Json] = {
        "model": {
            "name": model.name,
            "description": model.description,
            "tags": dict(model.tags or {}),
            "created": model.creation_timestamp,
        },
        "version": {
            "version": registered.number,
            "description": version.description,
            "source": version.source,
            "run_id": version.run_id,
            "model_id": version.model_id,
            "user_id": version.user_id,
            "stage": version.current_stage,
            "status": str(version.status),
            "status_message": version.status_message,
            "tags": dict(version.tags or {}),
            "aliases": list(registered.aliases),
            "created": version.creation_timestamp,
            "updated": version.last_updated_timestamp,
        },
        "run": _run(registered.run, registered.experiment) if registered.run is not None else None,
    }
    return canonical_bytes(to_json(without_secrets(whole), "mlflow"))


def _run(run: "Run", experiment: str | None) -> dict[str, Json]:
    info = run.info
    return {
        "run_id": info.run_id,
        "run_name": info.run_name,
        "experiment_id": info.experiment_id,
        "experiment": experiment,
        "user_id": info.user_id,
        "status": str(info.status),
        "lifecycle_stage": info.lifecycle_stage,
        "started": info.start_time,
        "ended": info.end_time,
        "artifact_uri": info.artifact_uri,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
        "tags": dict(run.data.tags),
        "inputs": [_input(each) for each in (run.inputs.dataset_inputs if run.inputs else [])],
    }


def _input(given: "DatasetInput") -> dict[str, Json]:
    dataset: Any = given.dataset
    fields = {name: getattr(dataset, name) for name in ("name", "digest", "source_type", "source", "schema", "profile")}
    return {**fields, "tags": {tag.key: tag.value for tag in given.tags or ()}}


def reference(registered: RegisteredVersion, server: str) -> bytes:
    """Return the note that stands for files which were not copied: canonical JSON that says where they were."""
    version = registered.version
    note: dict[str, Json] = {
        "server": server,
        "model": version.name,
        "version": registered.number,
        "run_id": version.run_id or None,
        "source": version.source,
    }
    return canonical_bytes(to_json(without_secrets(note), "mlflow"))
