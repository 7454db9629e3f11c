"""One model has one content, whoever wrote its file; another model has another."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.model_file import content_digest
from lineage_pipelines.errors import ArtifactError

SAVE = """
import pathlib, sys
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from lineage_pipelines.artifacts.model_file import save_model
draw = np.random.default_rng(0)
table = draw.normal(size=(300, 3))
label = table[:, 0] + float(sys.argv[2]) * table[:, 1] > 0
model = HistGradientBoostingClassifier(max_iter=5, random_state=int(sys.argv[3])).fit(table, label)
pathlib.Path(sys.argv[1]).mkdir()
save_model(model, pathlib.Path(sys.argv[1]))
"""


def _save(folder: Path, weight: str = "1", seed: str = "0") -> Path:
    subprocess.run([sys.executable, "-c", SAVE, str(folder), weight, seed], check=True)
    return folder / "model.skops"


def test_the_same_model_from_another_process_has_the_same_content(tmp_path: Path) -> None:
    one, again = _save(tmp_path / "one"), _save(tmp_path / "again")
    assert one.read_bytes() != again.read_bytes()  # which is why the content is asked for
    assert content_digest(one, "skops") == content_digest(again, "skops")


def test_another_model_has_another_content(tmp_path: Path) -> None:
    digests = {content_digest(_save(tmp_path / name, *words), "skops") for name, words in OTHERS.items()}
    assert len(digests) == len(OTHERS)


OTHERS = {"one": ("1", "0"), "other_data": ("1.1", "0"), "other_seed": ("1", "1")}


def test_what_is_no_model_file_is_refused(tmp_path: Path) -> None:
    text, empty = tmp_path / "text.skops", tmp_path / "empty.skops"
    text.write_text("no model")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("other.json", "{}")
    for path in (text, empty):
        with pytest.raises(ArtifactError):
            content_digest(path, "skops")
    with pytest.raises(ArtifactError, match="cannot be compared"):
        content_digest(text, "onnx")
