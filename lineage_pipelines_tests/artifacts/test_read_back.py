"""Read-back: what comes back from a model file is what was saved, or is refused by name and harms nobody."""

import collections
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from lineage_pipelines.artifacts import read_back as room
from lineage_pipelines.artifacts.model_file import SavedModel, save_model
from lineage_pipelines.artifacts.object_state import state_digest
from lineage_pipelines.artifacts.read_back import ProbeRows, ReadLimits, keep_refused, load_apart, read_back
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines_tests.artifacts import estimators
from lineage_pipelines_tests.artifacts.estimators import Holds, Moody

HERE = "lineage_pipelines_tests.artifacts.estimators"
X = np.random.default_rng(7).normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
TABLE = pd.DataFrame({"a": X[:, 0], "city": pd.Categorical(np.where(X[:, 1] > 0, "Rome", "Oslo"))})
TYPES = [f"{HERE}.{name}" for name in ("Holds", "Link", "Moody", "Lost", "Slow")]
DECLARED = [*TYPES, "collections.deque", "pandas.Timestamp", "functools.partial"]


def _saved(estimator: object, folder: Path) -> SavedModel:
    return save_model(estimator, folder, trusted_types=DECLARED)


MODELS: dict[str, tuple[Any, Any]] = {
    "boosting on categories": (HistGradientBoostingClassifier(max_iter=3), TABLE),
    "forest": (RandomForestClassifier(5, n_jobs=2), X),
    "pipeline": (make_pipeline(StandardScaler(), SVC()), X),
    "search": (GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2), X),
    "neighbours": (KNeighborsClassifier(algorithm="kd_tree"), X),
    "network": (MLPClassifier(hidden_layer_sizes=(4,), max_iter=5, random_state=np.random.RandomState(3)), X),
    "process": (GaussianProcessRegressor(), X),
    "isolation": (IsolationForest(n_estimators=5), X),
    "texts": (make_pipeline(TfidfVectorizer(), LogisticRegression()), ["a bc", "bc de", "de fg"] * 20),
    "weights": (LogisticRegression(class_weight={0: 1, 1: 5}), X),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_scikit_learn_comes_back(name: str, tmp_path: Path) -> None:
    estimator, rows = MODELS[name]
    estimator.fit(rows, Y)
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    saved = save_model(estimator, tmp_path)  # nothing is declared
    held = state_digest(estimator)
    state = read_back(saved, estimator, probe=ProbeRows(method=method, rows=rows[:20]))
    assert state == held
    assert load_apart(saved.path, trusted_types=saved.trusted_types).digest == state


OTHER: dict[str, tuple[Any, str]] = {
    "keys of bool": (LogisticRegression(class_weight={False: 1, True: 5}), r"class_weight\[False\] does not come back"),
    "a deque": (Holds(collections.deque([1], 3)), r"what\[0\] does not come back"),
    "an enumeration": (Holds(estimators.Link.LOGIT), r"cannot be loaded: TypeError: Enum\.__new__"),
    "a timestamp": (Holds(pd.Timestamp("2020")), "cannot be loaded"),
    "a word of an enumeration": (Holds(estimators.Word.A), "what comes back as something else"),
    "a generator of random bits": (Holds(np.random.PCG64(3)), r"crashes the process that loads it \(SIGSEGV\)"),
    "an attribute that is lost": (estimators.Lost(), "kept does not come back"),
    "an answer of this process alone": (Moody(), "its predict of the same rows is another one"),
}


@pytest.mark.parametrize("name", OTHER)
def test_what_comes_back_otherwise_is_refused_by_name(name: str, tmp_path: Path) -> None:
    estimator, message = OTHER[name]
    estimator.fit(X, Y > 0 if "bool" in name else Y)
    saved = _saved(estimator, tmp_path)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_back(saved, estimator, probe=ProbeRows(method="predict", rows=X))
    assert caught.value.where == saved.estimator
    assert "verify=False" in caught.value.fix
    assert keep_refused(estimator, tmp_path, tmp_path / "kept") == (
        f"the trained model is in {tmp_path / 'kept'} (model.pickle, model.skops)"
    )


def test_limits_of_time_and_memory(tmp_path: Path) -> None:
    slow = _saved(estimators.Slow(), tmp_path)
    with pytest.raises(ArtifactError, match=r"cannot be compared .* takes more than 1 seconds \(read_back_seconds"):
        read_back(slow, estimators.Slow(), limits=ReadLimits(seconds=1))
    big = Holds(np.ones(20_000_000))
    saved = _saved(big, tmp_path)
    with pytest.raises(ArtifactError, match=r"takes more than 300 MB \(read_back_megabytes"):
        read_back(saved, big, limits=ReadLimits(megabytes=300))
    assert read_back(saved, big)


def test_random_predictions_and_those_that_sum_in_another_order_are_no_difference(tmp_path: Path) -> None:
    for mood in ("random", "rounded"):
        estimator = Moody(mood)
        saved = _saved(estimator, tmp_path)
        assert read_back(saved, estimator, probe=ProbeRows(method="predict", rows=X))


def test_the_reader_is_made_again_when_it_was_ended(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(X, Y)
    saved = _saved(estimator, tmp_path)
    first = read_back(saved, estimator)
    reader = room._reader(os.getpid())
    os.kill(reader._pid, signal.SIGKILL)
    with pytest.raises(ArtifactError, match="the process that loads model files has ended"):
        read_back(saved, estimator)
    assert read_back(saved, estimator) == first


def test_the_reader_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    source, sink = os.pipe()
    estimator = LogisticRegression().fit(X, Y)
    saved = _saved(estimator, tmp_path)
    child = os.fork()
    if child == 0:  # as a worker of Dagster: it has a reader of its own, and is killed
        read_back(saved, estimator)
        os.write(sink, str(room._reader(os.getpid())._pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    pid = int(os.read(source, 100))
    assert pid != room._reader(os.getpid())._pid
    for _ in range(200):
        if not _runs(pid):
            break
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
