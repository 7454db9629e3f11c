"""What does lineage cost a training, against what MLflow takes to log and register the same model?

`python -m benchmarks.capture` checks this repository out, delivers its flights and prepares them, trains `flight_delay`
once, and lets both record it in turn (see `benchmarks.one_version`): the whole step of a model asset but training, and
MLflow's fluent calls on its SQLite store, into histories of 10 and of 5,000 versions. Then what each is made of, what
the first version of a process takes, and what a mirror adds to the step. Needs the extra `mlflow`.

    --sizes 10 5000   versions in the histories; with --keep FOLDER what was made is there the next time
"""

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import one_version
from benchmarks.growing import Place
from benchmarks.one_version import INPUTS, SAVING, TRAINING, Ours, Theirs, Trained
from benchmarks.rows import milliseconds
from benchmarks.table import environment, in_turn, ratio, row, show

Measured = Mapping[str, Sequence[Counter[str]]]
"""The parts of each side, round by round."""

_BUDGET, _THROUGH = "1/5", "2013-03"
_OURS, _WHOLE = "capture and commit", "capture and commit, model saved"
_MLFLOW, _UNSAVED, _GIVEN = "MLflow", "MLflow, model not saved", "MLflow, requirements given"
_PICKLED, _MINIMUM = "MLflow, cloudpickle", "MLflow, requirements given, no inputs"
_WITHOUT: Mapping[str, tuple[str, Sequence[str]]] = {
    _OURS: (_OURS, (TRAINING, SAVING)),
    _WHOLE: (_OURS, (TRAINING,)),
    _MLFLOW: (_MLFLOW, ()),
    _UNSAVED: (_MLFLOW, (SAVING,)),
    _GIVEN: (_GIVEN, ()),
    _PICKLED: (_PICKLED, ()),
    _MINIMUM: (_GIVEN, (INPUTS,)),
}
"""What is shown: a side that was measured, and the parts of it that do not count."""
_ROWS = (
    (_MLFLOW, "", ""),
    (_OURS, _MLFLOW, _BUDGET),
    (_WHOLE, _MLFLOW, ""),
    (_UNSAVED, "", ""),
    (_OURS, _UNSAVED, ""),
    (_PICKLED, "", ""),
    (_WHOLE, _PICKLED, ""),
    (_GIVEN, "", ""),
    (_WHOLE, _GIVEN, ""),
    (_MINIMUM, "", ""),
    (_WHOLE, _MINIMUM, ""),
)


def prepare(root: Path) -> None:
    """Check out, deliver, and run the stages of the pipeline."""
    from lineage_pipelines_tests.flights.checkout import check_out

    check_out(root)
    env = environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for words in (["lineage_pipelines.flights", "deliver", "--through", _THROUGH], ["dvc", "repro", "--quiet"]):
        done = subprocess.run([sys.executable, "-m", *words], cwd=root, env=env, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr.decode()}")


def options(trained: Trained) -> dict[str, dict[str, Any]]:
    """Return what `mlflow.sklearn.log_model` is told on each side."""
    from lineage_pipelines.artifacts.model_file import save_model

    with tempfile.TemporaryDirectory() as folder:
        saved = save_model(trained.model.estimator, Path(folder))
    skops = {"serialization_format": "skops", "skops_trusted_types": list(saved.trusted_types)}
    given = {**skops, "pip_requirements": [*saved.requirements, f"skops=={version('skops')}"]}
    pickled = {_PICKLED: {"serialization_format": "cloudpickle"}} if importlib.util.find_spec("cloudpickle") else {}
    return {_MLFLOW: skops, _GIVEN: given, **pickled}


def compare(sides: Mapping[str, tuple[Ours, Theirs]], trained: Trained, runs: int) -> None:
    """Print what both take, and what it is made of; one version that is not counted comes before, in production."""
    told = options(trained)
    found: dict[str, dict[str, list[Counter[str]]]] = {size: {name: [] for name in (*told, _OURS)} for size in sides}
    for ours, theirs in sides.values():
        theirs.in_parts(**told[_MLFLOW])
        ours.version()
        ours.promote()
    for run in range(runs):
        print(f"  round {run + 1} of {runs}", file=sys.stderr)
        for size, (ours, theirs) in sides.items():
            for name, how in told.items():
                found[size][name].append(theirs.in_parts(**how))
            found[size][_OURS].append(ours.in_parts())
    shown = {
        name: {size: [_sum(parts, without) for parts in found[size][side]] for size in sides}
        for name, (side, without) in _WITHOUT.items()
        if side in (*told, _OURS)
    }
    head = ["what", *sides, "growth", "against", *(f"ratio, {size}" for size in sides), "budget"]
    rows = [_compared(shown, *each) for each in _ROWS if each[0] in shown and (not each[1] or each[1] in shown)]
    show(f"One version, into histories of {' and '.join(sides)} versions, {runs} rounds", rows, head)
    rows = [[f"{side}: {part}", *cells] for side in (_OURS, _MLFLOW) for part, cells in _parts(found, side)]
    show("What it is made of, medians", rows, ["what", *sides, "growth"])


def _sum(parts: Mapping[str, float], without: Sequence[str]) -> float:
    return sum(taken for part, taken in parts.items() if part not in without)


def _grown(found: Mapping[str, Sequence[float]]) -> list[str]:
    medians = [statistics.median(times) for times in found.values()]
    return [*map(milliseconds, medians), f"{medians[-1] / medians[0]:#.3g} x"]


def _compared(shown: Mapping[str, Mapping[str, Sequence[float]]], name: str, base: str, budget: str) -> list[str]:
    at = {size: {side: shown[side][size] for side in (name, base) if side} for size in shown[name]}
    ratios = [f"{ratio(found, name, base):#.3g} x" if base else "" for found in at.values()]
    return [name, *_grown(shown[name]), base, *ratios, budget]


def _parts(found: Mapping[str, Measured], side: str) -> list[tuple[str, list[str]]]:
    first = next(iter(found.values()))[side]
    medians = {part: statistics.median(round_[part] for round_ in first) for part in first[-1]}
    listed = sorted(medians, key=lambda part: -medians[part])
    return [
        (part, _grown({size: [round_[part] for round_ in sides[side]] for size, sides in found.items()}))
        for part in listed
        if part != TRAINING
    ]


def mirrored(ours: Ours, folder: Path, runs: int) -> None:
    """Print what a mirror adds to the step, with its delivery started at the end."""
    mirror, plain = "a step with a mirror", "a step without one"
    address = f"sqlite:///{folder}/mirror.db"
    found = in_turn({plain: ours.version, mirror: lambda: ours.version(address)}, runs)
    more = statistics.median(a - b for a, b in zip(found[mirror], found[plain], strict=True))
    cells = row(found, mirror, plain, "+ 0 s")
    cells[cells.index(plain) + 1] = f"+ {more:.3f} s"
    show(f"The catalog mirrored to MLflow, {runs} rounds", [row(found, plain), cells])


def first(place: Place, root: Path, size: int, side: str) -> None:
    """Print what the first version takes in this process, which has read the tables and trained the model."""
    trained, work = one_version.train(root), root.parent / str(size)
    if side == _OURS:
        parts = Ours(trained, place, size, work / "ours").in_parts()
    else:
        parts = Theirs(trained, place, size, work / "mlflow").in_parts(**options(trained)[_MLFLOW])
    print(json.dumps(parts))


def firsts(command: Sequence[str], root: Path, runs: int) -> None:
    """Print what the first version of a process takes: a run of Dagster is a process."""

    def taken(side: str) -> dict[str, float]:
        print(f"  a process for {side}", file=sys.stderr)
        done = subprocess.run([*command, "--first", side], cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return dict(json.loads(done.stdout.splitlines()[-1]))

    parts = [{side: taken(side) for side in (_MLFLOW, _OURS)} for _ in range(runs)]
    found = {
        f"{name}, the first": [_sum(each[side], without) for each in parts]
        for name, (side, without) in _WITHOUT.items()
        if name in (_MLFLOW, _OURS, _WHOLE)
    }
    ours, whole, theirs = found
    rows = [row(found, theirs), row(found, ours, theirs), row(found, whole, theirs)]
    show(f"The first version of a process, {runs} of each in turn", rows)


def inside(asked: argparse.Namespace) -> None:
    """Measure in the checkout."""
    one_version.quiet()
    root, place, sizes = asked.checkout, Place(asked.keep), sorted(asked.sizes)
    place.prepare()
    if asked.first:
        first(place, root, sizes[0], asked.first)
        return
    trained = one_version.train(root)
    sides = {
        f"{size:,}": (
            Ours(trained, place, size, root.parent / str(size) / "ours"),
            Theirs(trained, place, size, root.parent / str(size) / "mlflow"),
        )
        for size in sizes
    }
    compare(sides, trained, asked.runs)
    mirrored(sides[f"{sizes[0]:,}"][0], root.parent, asked.runs)
    command = [sys.executable, "-m", "benchmarks.capture", "--sizes", str(sizes[0]), "--keep", str(asked.keep)]
    firsts([*command, "--checkout", str(root)], root, asked.firsts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 5_000], help="versions in the histories")
    parser.add_argument("--runs", type=int, default=7, help="rounds that are counted")
    parser.add_argument("--firsts", type=int, default=3, help="processes of each side")
    parser.add_argument("--keep", type=Path, help="a folder in which the histories are kept, and found again")
    parser.add_argument("--checkout", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--first", choices=(_OURS, _MLFLOW), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.checkout:
        inside(asked)
        return
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve() / "checkout"
        root.mkdir()
        prepare(root)
        keep = (asked.keep or root.parent / "histories").resolve()
        command = [sys.executable, "-m", "benchmarks.capture", "--checkout", str(root), "--keep", str(keep)]
        command += ["--runs", str(asked.runs), "--firsts", str(asked.firsts), "--sizes", *map(str, asked.sizes)]
        env = environment() | {"FLIGHTS_PROJECT": str(root)}
        raise SystemExit(subprocess.run(command, cwd=root, env=env, check=False).returncode)


if __name__ == "__main__":
    main()
