"""What a training reads beside its record is noted by name, and only while it is running."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lineage_pipelines.capture.read_audit import ReadAudit
from lineage_pipelines.records.statement.code import SourceFile

NAMES = ("MODE", "COPIED", "ABSENT", "EARLIER")


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODE", "COPIED", "EARLIER"):
        monkeypatch.setenv(name, "the value")
    monkeypatch.delenv("ABSENT", raising=False)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("config.yaml", "known.sql", "inputs/train.csv", "images/1.png", "images/2.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    return tmp_path


def _audit(root: Path) -> ReadAudit:
    return ReadAudit(root, [SourceFile(path="known.sql", sha256="0" * 64)])


def test_variables_that_are_asked_for_are_noted_and_copies_are_not(root: Path) -> None:
    before = type(os.environ)
    os.environ.get("EARLIER")
    audit = _audit(root)
    with audit.running(root / "inputs"):
        assert os.environ["MODE"] == os.getenv("MODE") == "the value"
        assert "ABSENT" not in os.environ
        copies = [dict(os.environ), {**os.environ}, os.environ.copy(), dict(os.environ.items())]
        assert all(copy["COPIED"] == "the value" for copy in copies)
        subprocess.run([sys.executable, "-c", ""], env={**os.environ}, check=True)
        Path.home()
    assert audit.result().environment == ("ABSENT", "MODE")
    assert type(os.environ) is before
    os.environ.get("EARLIER")
    assert audit.result().environment == ("ABSENT", "MODE")


def test_what_scikit_learn_sets_for_itself_is_not_noted(root: Path) -> None:
    script = (
        "import os; from pathlib import Path; from lineage_pipelines.capture.read_audit import ReadAudit;"
        "os.environ['KMP_INIT_AT_FORK'] = 'FALSE'; audit = ReadAudit(Path('.'), ())\n"
        "with audit.running(Path('inputs')): import sklearn\n"
        "print(audit.result().environment, audit.result().files)"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env=env, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "() ()"


def test_files_that_are_no_input_source_or_library_are_noted(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "prices.csv"
    other.write_text("x")
    audit = _audit(root)
    with audit.running(root / "inputs"):
        import json.tool  # noqa: F401

        for path in (
            root / "config.yaml",
            root / "known.sql",
            root / "inputs" / "train.csv",
            other,
            Path("/proc/stat"),
        ):
            path.read_bytes()
        os.close(os.open(root / "images" / "1.png", os.O_RDONLY))
        (root / "made.txt").write_text("x")
        (root / "made.txt").read_text()
        with pytest.raises(FileNotFoundError):
            (root / "nowhere.csv").read_text()
        with pytest.raises(TypeError):
            open(None)  # type: ignore[call-overload]  # noqa: PTH123, SIM115
    (root / "images" / "2.png").read_bytes()
    assert audit.result().files == tuple(sorted(["config.yaml", "images/1.png", str(other)]))


def test_paths_in_the_home_folder_do_not_name_its_owner(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    audit = ReadAudit(root / "images", ())
    with audit.running(root / "inputs"):
        (root / "config.yaml").read_text()
    assert audit.result().files == ("~/config.yaml",)


def test_threads_of_a_training_belong_to_it_and_others_do_not(root: Path) -> None:
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        go.wait(10)
        (root / "images" / "2.png").read_bytes()
        done.set()

    earlier = threading.Thread(target=other)
    earlier.start()
    audit = _audit(root)
    with audit.running(root / "inputs"):
        go.set()
        assert done.wait(10)
        own = threading.Thread(target=(root / "images" / "1.png").read_bytes)
        own.start()
        own.join()
    earlier.join()
    assert audit.result().files == ("images/1.png",)


def test_many_files_are_named_by_their_folder(root: Path) -> None:
    audit = _audit(root)
    for number in range(200):
        (root / "images" / f"{number}.png").write_text("x")
    with audit.running(root / "inputs"):
        (root / "config.yaml").read_text()
        for number in range(200):
            (root / "images" / f"{number}.png").read_bytes()
    assert audit.result().files == ("config.yaml", "images/")
