"""Model files: what is saved can be loaded again, and nothing comes to life that nobody allowed."""

import contextlib
import functools
import json
import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators
from sklearn.utils.validation import check_array

from lineage_pipelines.artifacts.model_file import _requirements, load_model_file, save_model
from lineage_pipelines.artifacts.trusted_types import outside_trust
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines_tests.artifacts import estimators
from lineage_pipelines_tests.artifacts.estimators import Shift, local_shift

HERE = "lineage_pipelines_tests.artifacts.estimators"
X = np.random.default_rng(7).normal(size=(200, 3))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=5)),
        RandomForestClassifier(n_estimators=3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_model_of_scikit_learn_predicts_the_same_when_it_was_loaded(estimator: Any, tmp_path: Path) -> None:
    estimator.fit(X, Y)
    saved = save_model(estimator, tmp_path)
    assert saved.path == tmp_path / "model.skops"
    assert saved.format == "skops"
    assert saved.estimator == f"{type(estimator).__module__}.{type(estimator).__name__}"
    assert f"scikit-learn=={version('scikit-learn')}" in saved.requirements
    assert list(saved.trusted_types) == sorted(saved.trusted_types)
    assert all(name.startswith(("sklearn.", "numpy.", "scipy.")) for name in saved.trusted_types)
    loaded: Any = load_model_file(saved.path, trusted_types=saved.trusted_types)
    assert type(loaded) is type(estimator)
    assert (loaded.predict_proba(X) == estimator.predict_proba(X)).all()


def test_gradient_boosting_on_categories_needs_no_declaration(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": X[:, 0], "city": pd.Categorical(np.where(X[:, 1] > 0, "Rome", "Oslo"))})
    estimator = HistGradientBoostingClassifier(max_iter=3).fit(table, Y)
    saved = save_model(estimator, tmp_path)
    loaded: Any = load_model_file(saved.path, trusted_types=saved.trusted_types)
    assert (loaded.predict_proba(table) == estimator.predict_proba(table)).all()


def test_the_function_of_a_partial_has_to_be_declared(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"not declared: functools\.partial, posix\.system"):
        save_model(FunctionTransformer(functools.partial(os.system)), tmp_path)


def test_a_partial_is_trusted_only_where_scikit_learn_makes_it(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(functools.partial(np.mean, axis=0)), tmp_path / "model.skops")
    with pytest.raises(ArtifactError, match=r"not trusted here: functools\.partial\n"):
        load_model_file(tmp_path / "model.skops")
    assert load_model_file(tmp_path / "model.skops", trusted_types=["functools.partial"])
    skops.io.dump(FunctionTransformer(functools.partial(check_array, dtype=float)), tmp_path / "own.skops")
    assert load_model_file(tmp_path / "own.skops")


def test_a_package_comes_from_the_distribution_that_python_says() -> None:
    for package, names in packages_distributions().items():
        if package.isidentifier():  # not a folder of licences or programs
            assert [*_requirements([f"{package}.Type"])] == [f"{names[0]}=={version(names[0])}"]
    assert [*_requirements(["builtins.int", "no_such_package.Type"])] == []


def test_the_list_of_the_reader_is_obeyed_on_loading(tmp_path: Path) -> None:
    estimator = make_pipeline(Shift(2), HistGradientBoostingClassifier(max_iter=2)).fit(X, Y)
    saved = save_model(estimator, tmp_path, trusted_types=[f"{HERE}.Shift"])
    assert len(saved.trusted_types) == 2
    with pytest.raises(ArtifactError, match=rf"types that are not trusted here: {HERE}\.Shift\n") as caught:
        load_model_file(saved.path, asked_by="delay@7")
    assert f'[tool.lineage] trusted_types = ["{HERE}.Shift"]' in caught.value.fix
    assert caught.value.where == "delay@7"
    assert type(load_model_file(saved.path, trusted_types=[f"{HERE}.Shift"])) is type(estimator)


TRUSTED = [
    *("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"),
    *("sklearn.metrics._ranking.roc_auc_score", "sklearn.feature_selection._univariate_selection.f_classif"),
    *(
        "scipy.interpolate._bsplines.BSpline",
        "numpy.nan_to_num",
        "scipy.stats._distn_infrastructure.rv_continuous_frozen",
    ),
    "functools.partial",
]
UNTRUSTED = [
    *("operator.call", "posix.system", "builtins.eval", "subprocess.Popen", "numpy", "sklearnx.tree.Tree", "a.b", ""),
    # Below the three libraries, and no part of a model: they write, run, read pickles, remove a folder when deleted.
    *("numpy.load", "numpy.save", "numpy.savetxt", "numpy.memmap", "numpy.lib.npyio.DataSource"),
    *("numpy.testing._private.utils.runstring", "numpy.f2py.compile", "scipy.io._netcdf.netcdf_file"),
    *("sklearn.datasets._base.load_files", "sklearn.tree._export.export_graphviz", "sklearn.utils._testing.TempMemmap"),
    # Names of other modules, which these import.
    *(
        "sklearn.datasets._base.urlretrieve",
        "sklearn.utils.fixes.np",
        "sklearn.calibration.partial",
        "numpy.lib.os.system",
    ),
]


def test_what_is_trusted_by_default() -> None:
    assert outside_trust(TRUSTED) == ()
    assert outside_trust(UNTRUSTED) == tuple(sorted(UNTRUSTED))
    assert outside_trust(UNTRUSTED, UNTRUSTED[1:]) == (UNTRUSTED[0],)


_OF_NUMPY = ["dtype", "ndarray", "float64", "int8", "str_", "datetime64", "bool", "poly1d"]


@pytest.mark.parametrize("name", _OF_NUMPY)
def test_plain_classes_of_numpy_are_trusted(name: str) -> None:
    assert outside_trust([f"numpy.{name}"]) == ()


@pytest.mark.parametrize("name", ["memmap", "vectorize", "save", "DataSource", "load", "lib.npyio.NpzFile"])
def test_what_of_numpy_reads_writes_or_calls_is_not_trusted(name: str) -> None:
    assert outside_trust([f"numpy.{name}"]) == (f"numpy.{name}",)


@pytest.mark.filterwarnings("ignore")
def test_estimators_of_scikit_learn_need_no_declaration(tmp_path: Path) -> None:
    """Every estimator that can be fitted to two columns without arguments, but for one that skops cannot save."""
    x = np.abs(np.random.default_rng(0).normal(size=(40, 2)))
    y = (x[:, 0] > np.median(x[:, 0])).astype(int)
    saved = 0
    for name, kind in all_estimators():
        try:
            estimator = kind().fit(x, y)
        except Exception:  # noqa: BLE001  # it takes other data, or arguments
            continue
        if name != "Birch":
            save_model(estimator, tmp_path)
            saved += 1
    assert saved > 140


def test_a_command_behind_an_operator_does_not_run(tmp_path: Path) -> None:
    arguments = [
        {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "__id__": 3},
        {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "__id__": 4,
            "is_json": True,
            "content": json.dumps(f"touch {tmp_path / 'trace'}"),
        },
    ]
    listed = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 2}
    schema = {
        "__class__": "call",
        "__module__": "operator",
        "__loader__": "OperatorFuncNode",
        "__id__": 1,
        "attrs": {**listed, "content": arguments},
        "protocol": skops.io._protocol.PROTOCOL,
        "_skops_version": skops.__version__,
    }
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(ArtifactError, match=r"not trusted here: .*posix"):
        load_model_file(path)
    assert not (tmp_path / "trace").exists()


DECLARABLE = {
    "a class": (Shift(2), [f"{HERE}.Shift"]),
    "a class in a pipeline": (make_pipeline(Shift(2), LogisticRegression()), [f"{HERE}.Shift"]),
    "a function": (make_pipeline(FunctionTransformer(estimators.double)), [f"{HERE}.double"]),
    "a class as a value": (Shift(Shift), [f"{HERE}.Shift"]),
}


@pytest.mark.parametrize("what", DECLARABLE)
def test_a_type_of_the_teams_own_has_to_be_declared(what: str, tmp_path: Path) -> None:
    estimator, needed = DECLARABLE[what]
    with pytest.raises(ArtifactError, match="types that are not declared") as caught:
        save_model(estimator, tmp_path)
    assert f"trusted_types={needed!r}" in caught.value.fix
    declared = [*needed, "never.Used"]
    saved = save_model(estimator, tmp_path, trusted_types=declared)
    assert list(saved.trusted_types) == needed
    loaded = load_model_file(saved.path, trusted_types=saved.trusted_types)
    assert type(loaded) is type(estimator)
    with pytest.raises(ArtifactError, match="not trusted here"):
        load_model_file(saved.path)


class _InMain(Shift):
    """Stands for a class of a notebook."""


_InMain.__module__ = "__main__"
_InMain.__qualname__ = _InMain.__name__ = "InMain"

UNLOADABLE = {
    "a class of a notebook": (_InMain(), "__main__.InMain"),
    "a class of a notebook in a pipeline": (make_pipeline(_InMain()), "__main__.InMain"),
    "a class within a function": (local_shift(), f"{HERE}.local_shift.<locals>.Local"),
    "a class within a function in a pipeline": (make_pipeline(local_shift()), f"{HERE}.Local"),
    "a class within a class": (make_pipeline(Shift.Inner()), f"{HERE}.Inner"),
    "a lambda": (FunctionTransformer(lambda x: x), f"{__name__}.<lambda>"),
    "a lambda as a value": (Shift(by=lambda x: x), f"{__name__}.<lambda>"),
}


@pytest.mark.parametrize("what", UNLOADABLE)
def test_what_no_other_process_could_load_is_refused_even_if_declared(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "InMain", _InMain, raising=False)
    estimator, name = UNLOADABLE[what]
    declared = [name, f"{HERE}.Shift"]
    with pytest.raises(ArtifactError, match="the model contains types that no other process can load") as caught:
        save_model(estimator, tmp_path, trusted_types=declared)
    assert name in caught.value.what
    assert "importable module" in caught.value.fix


def test_what_skops_cannot_save_is_told(tmp_path: Path) -> None:
    estimator = Shift(by=(number for number in range(3)))
    with pytest.raises(ArtifactError, match="skops cannot save this estimator: cannot pickle 'generator'") as caught:
        save_model(estimator, tmp_path, trusted_types=[f"{HERE}.Shift"])
    assert caught.value.where == f"{HERE}.Shift"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot store a file: No such file"):
        save_model(LogisticRegression(), tmp_path / "nowhere")


def test_a_file_that_names_a_command_of_the_system_is_refused(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(os.system, kw_args={}), tmp_path / "model.skops")
    with pytest.raises(ArtifactError, match="not trusted here") as caught:
        load_model_file(tmp_path / "model.skops", trusted_types=[f"{HERE}.Shift"])
    assert f"{os.system.__module__}.system" in caught.value.fix


class Trap(BaseEstimator):  # type: ignore[misc]
    """Leaves a trace when a pickle of it is loaded."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return open, (self.trace, "w")


def _pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(str(path.parent / "trace"))))


def _joblib(path: Path) -> None:
    joblib.dump(Trap(str(path.parent / "trace")), path)


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(30 << 20))


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.json", "{}")


def _newer_zip(path: Path) -> None:
    _other_zip(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 250  # the version that is needed to read it
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_pickle, "not a skops file, despite its name"),
        (_joblib, "not a skops file, despite its name"),
        (lambda path: path.write_bytes(b""), "not a skops file"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "the model file is damaged"),
        (_bomb, r"the model file unpacks to 31,457,280 bytes from \d\d,\d\d\d"),
        (_other_zip, "the model file cannot be loaded"),
        (_newer_zip, "the model file is damaged: zip file version 25.0"),
        (Path.mkdir, "cannot read the model file: Is a directory"),
        (lambda _path: None, "cannot read the model file: No such file"),
    ],
    ids=["pickle", "joblib", "empty", "torn", "bomb", "zip", "newer", "folder", "missing"],
)
def test_what_is_no_model_file_is_refused(tmp_path: Path, write: Callable[[Path], Any], message: str) -> None:
    path = tmp_path / "model.skops"
    write(path)
    with pytest.raises(ArtifactError, match=message) as caught:
        load_model_file(path, trusted_types=[f"{__name__}.Trap"])
    assert caught.value.where == str(path)
    assert not (tmp_path / "trace").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file."""
    return save_model(LogisticRegression().fit(X, Y), tmp_path_factory.mktemp("model")).path


edits = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits, st.booleans(), st.none() | st.floats(0, 1))
def test_a_damaged_model_file_is_an_error_and_never_another_exception(
    whole: Path, tmp_path: Path, edits: list[tuple[float, int]], ending: bool, cut: float | None
) -> None:
    data = bytearray(whole.read_bytes())
    first = len(data) - 600 if ending else 0  # where a zip file lists what it holds
    for place, value in edits:
        data[first + int(place * (len(data) - first))] = value
    path = tmp_path / "model.skops"
    path.write_bytes(data[: int(cut * len(data))] if cut is not None else data)
    with contextlib.suppress(ArtifactError):  # the damage may be where nobody looks
        assert isinstance(load_model_file(path, trusted_types=()), LogisticRegression)
