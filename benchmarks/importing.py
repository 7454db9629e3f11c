"""How fast is an MLflow registry imported, and do imported versions answer as fast as those that were recorded here?

`python -m benchmarks.importing` makes registries of 10, 500 and 5,000 versions on MLflow's SQLite store with MLflow's
own client: twenty models, each version with its run, parameters, metrics, two dataset inputs and a commit. It imports
each into an empty catalog, without model files (hashing takes as long as they are large), and once more, when there is
nothing new. Then it asks the imported and a recorded history of the same size the same questions in turn. The budget is
200 versions a second.

    --keep FOLDER   what was made is there the next time: MLflow takes minutes for 5,000 versions
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import versions as v
from benchmarks.growing import Place
from benchmarks.histories import sqlite
from benchmarks.mlflow_store import Registry, quiet
from benchmarks.questions import QUESTIONS, Asker
from benchmarks.rows import HEAD, compared
from benchmarks.table import in_turn, show, timed
from lineage_pipelines import Catalog, LineageRecord
from lineage_pipelines.bridges.mlflow.registry_import.importer import import_registry
from lineage_pipelines.bridges.mlflow.run_payload import datasets_of, params_of, source_tags

_SPEED = 200
_ASKED = {
    "show": "show",
    "diff": "diff with the version before",
    "trace": "trace",
    "impact": "impact of a snapshot, names",
}


class Logged(Registry):
    """A registry whose runs say which data they read, with whole digests, and from which commit."""

    def _log(self, run: str, record: LineageRecord) -> None:
        from mlflow.entities import Metric, Param, RunTag

        at = int(record.run.finished.timestamp() * 1000)
        measured = record.evaluation.metrics if record.evaluation else {}
        metrics = [Metric(name, value, at, 0) for name, value in measured.items()]
        params = [Param(name, value) for name, value in params_of(record).items()]
        tags = [RunTag(name, value) for name, value in source_tags(record).items()]
        self.client.log_batch(run, metrics, params, tags)
        self.client.log_inputs(run, datasets_of(record))
        self.client.set_terminated(run)


@dataclass(frozen=True)
class Imported:
    """A registry of a size, and the catalog that it was imported into."""

    place: Place
    size: int

    @property
    def folder(self) -> Path:
        """Where both are."""
        return self.place.folder / "importing" / str(self.size)

    @property
    def address(self) -> str:
        """MLflow's store."""
        return f"sqlite:///{self.folder}/mlflow.db"

    def register(self) -> None:
        """Make the registry, where it is not there yet."""
        made = self.folder / "made"
        if made.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        quiet()
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.address, registry_uri=self.address)
        experiment = client.create_experiment("history", artifact_location=str(self.folder / "artifacts"))
        Logged(client, experiment, self.size).fill(v.Versions(self.place.artifacts))
        made.touch()

    def bring(self, *, again: bool = False) -> float:
        """Import it, into an empty catalog but for `again`; return how long it took."""
        if not again:
            for left in self.folder.glob("catalog.db*"):
                left.unlink()
            shutil.rmtree(self.folder / "files", ignore_errors=True)
        with Catalog(f"sqlite:///{self.folder}/catalog.db", keys=self.place.keys) as catalog:
            begun = time.perf_counter()
            found = import_registry(
                self.address,
                catalog=catalog,
                artifacts=str(self.folder / "files"),
                project_dir=self.folder,
                by="benchmark",
                copy=False,
            )
            taken = time.perf_counter() - begun
        new = sum(model.imported for model in found.models)
        if new != (0 if again else self.size):
            raise SystemExit(f"{new:,} of {self.size:,} versions were imported")
        return taken


def speed(imported: Imported, runs: int) -> list[list[str]]:
    """Return how many versions a second are imported, and gone over when nothing is new: the best of some runs."""
    first = min(imported.bring() for _ in range(runs))
    again = min(imported.bring(again=True) for _ in range(runs))
    size = f"{imported.size:,}"
    return [
        ["import", size, f"{first:.2f} s", f"{imported.size / first:,.0f}", f"{_SPEED}"],
        ["import again", size, f"{again:.2f} s", f"{imported.size / again:,.0f}", ""],
    ]


def ask(imported: Imported, runs: int) -> None:
    """Print how long the same questions take to the recorded and to the imported history."""
    place, size = imported.place, imported.size
    with (
        sqlite(place, size) as recorded,
        Catalog(f"sqlite:///{imported.folder}/catalog.db", read_only=True) as catalog,
    ):
        native, other = Asker(recorded, place, size), Asker(catalog, place, size)
        rows = []
        for what, name in _ASKED.items():
            question = QUESTIONS[name][0]
            sides = {
                f"recorded: {what}": lambda question=question: timed(question(native)),  # type: ignore[misc]
                f"imported: {what}": lambda question=question: timed(question(other)),  # type: ignore[misc]
            }
            rows += compared(in_turn(sides, runs))
    show(f"{size:,} versions, recorded here and imported, asked in turn, {runs} questions", rows, HEAD)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 500, 5_000])
    parser.add_argument("--runs", type=int, default=30, help="how often each question is asked")
    parser.add_argument("--keep", type=Path, help="a folder for what is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
        place = Place((given.keep or Path(folder)).resolve())
        place.prepare()
        rows: list[list[str]] = []
        histories = [Imported(place, size) for size in given.sizes]
        for imported in histories:
            print(f"a registry of {imported.size:,} versions", file=sys.stderr)
            imported.register()
            rows += speed(imported, 1 if given.runs == 1 else 2)
        show("MLflow's SQLite store, without model files", rows, ["what", "versions", "time", "versions/s", "budget"])
        for imported in histories:
            if imported.size > v.MODELS:
                ask(imported, given.runs)


if __name__ == "__main__":
    main()
