"""The environment: interpreter, threads, every distribution, the lock file; and no secret of any of them."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.capture.environment import (
    LOCK_FILES,
    capture_environment,
    imported_packages,
    list_packages,
    read_threads,
)
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.values.codec import from_json, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.capture.repository import Repository

_ROOT = Path(__file__).parents[2]


def _install(folder: Path, name: str, version: str | None, **files: object) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", *([f"Version: {version}"] if version else [])]
    (info / "METADATA").write_text("\n".join([*lines, "", "Name: of the description", "Version: 9"]))
    for key, value in files.items():
        (info / f"{key}.json").write_text(json.dumps(value))


def _lines() -> list[str]:
    return list_packages()[0].decode().splitlines()


def test_this_environment(tmp_path: Path) -> None:
    environment, blobs, _ = capture_environment(project_dir=tmp_path)
    assert from_json(Environment, to_json(environment)) == environment
    assert environment.python == f"CPython {sys.version.split()[0]}"
    assert environment.platform
    assert environment.cpu
    assert read_threads()["cpus"] >= 1
    lines = blobs[environment.packages].decode().splitlines()
    assert lines == sorted(lines)
    assert environment.package_count == len(lines)
    assert Digest.of(blobs[environment.packages]) == environment.packages
    said = [line.partition(" @ ")[0] for line in lines]
    installed: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        name = found.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        installed.setdefault(name, f"{name}=={found.version}")
    assert said == sorted(installed.values())
    assert f"pytest=={pytest.__version__}" in lines


def test_the_same_environment_gives_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from lineage_pipelines.capture.environment import capture_environment;"
        "print(capture_environment(project_dir=Path('.'))[0].packages)"
    )
    here = str(capture_environment(project_dir=tmp_path)[0].packages)
    env = {"PATH": "", "PYTHONPATH": str(_ROOT), "LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONOPTIMIZE": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == here


def test_numerical_pools_are_counted_once_a_library_is_loaded() -> None:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    threads = read_threads()
    assert len(threads) > 1
    assert all(count >= 1 for count in threads.values())


def test_only_what_the_process_imported_is_listed() -> None:
    script = (
        "import json; from lineage_pipelines.capture.environment import imported_packages;"
        "before = imported_packages().decode(); import yaml, dateutil; after = imported_packages().decode();"
        "print(json.dumps([before.split(), after.split()]))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    before, after = map(set, json.loads(done.stdout))
    assert {"pyyaml", "python-dateutil"} <= after - before
    assert "scikit-learn" not in after


def test_imported_packages_agree_with_the_standard_library() -> None:
    tops = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    owners = importlib.metadata.packages_distributions()
    expected = {re.sub(r"[-_.]+", "-", name).lower() for top in tops for name in owners.get(top, ())}
    found = set(imported_packages().decode().split())
    assert found == expected


def test_names_are_normalised_and_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path / "a", "Zz_Some.Package", "2.0")
    _install(tmp_path / "b", "zz-some-package", "1.0")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    assert _lines() == ["zz-some-package==2.0"]
    monkeypatch.setattr(sys, "path", [str(tmp_path / "b"), str(tmp_path / "a")])
    assert _lines() == ["zz-some-package==1.0"]


def test_the_origin_of_what_came_from_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = {"vcs": "git", "commit_id": "a" * 40}
    _install(tmp_path, "editable", "1", direct_url={"url": "file:///home/ada/x", "dir_info": {"editable": True}})
    _install(tmp_path, "folder", "1", direct_url={"url": "file:///home/ada/x", "dir_info": {}})
    _install(tmp_path, "git", "1", direct_url={"url": "https://ada:hunter2@example.org/x.git", "vcs_info": git})
    _install(tmp_path, "wheel", "1", direct_url={"url": "https://example.org/x.whl?token=hunter2", "archive_info": {}})
    _install(tmp_path, "broken", "1", direct_url=["what"])
    _install(tmp_path, "odd", "1", direct_url={"url": "https://example.org/x", "vcs_info": {"vcs": "git"}})
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert _lines() == [
        "broken==1",
        "editable==1 @ editable",
        "folder==1 @ local",
        f"git==1 @ git+https://example.org/x.git@{'a' * 40}",
        "odd==1 @ unknown",
        "wheel==1 @ https://example.org/x.whl",
    ]


def test_a_distribution_without_a_version_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, "versionless", None)
    (tmp_path / "empty-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    text, count, gaps = list_packages()
    assert (text, count) == (b"versionless==unknown\n", 1)
    assert gaps == ("environment.packages: no version of one without a name, versionless",)


@pytest.mark.parametrize("name", LOCK_FILES)
def test_a_lock_file_is_found_by_name(tmp_path: Path, name: str) -> None:
    content = b"a==1 --hash=sha256:00\n"
    (tmp_path / name).write_bytes(content)
    environment, blobs, gaps = capture_environment(project_dir=tmp_path)
    assert (environment.lock_file, environment.lock) == (name, Digest.of(content))
    assert blobs[Digest.of(content)] == content
    assert gaps == ()


def test_a_lock_file_is_looked_for_up_to_the_root_of_the_repository(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("outside")
    (repository.root / "sub").mkdir()
    assert capture_environment(project_dir=repository.root / "sub")[2] == ("environment.lock: no lock file",)
    repository.write("uv.lock", "at the root")
    assert capture_environment(project_dir=repository.root / "sub")[0].lock_file == "uv.lock"
    repository.write("sub/poetry.lock", "nearer")
    assert capture_environment(project_dir=repository.root / "sub")[0].lock_file == "sub/poetry.lock"


def test_the_lock_file_that_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("found")
    (tmp_path / "my.lock").write_text("named")
    environment, _, gaps = capture_environment(project_dir=tmp_path, lock="my.lock")
    assert (environment.lock_file, environment.lock, gaps) == ("my.lock", Digest.of(b"named"), ())
    environment, _, gaps = capture_environment(project_dir=tmp_path, lock="none.lock")
    assert environment.lock is None
    assert gaps == ("environment.lock: none.lock cannot be read (No such file or directory)",)


def test_requirements_without_hashes_are_a_gap(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1\n")
    environment, _, gaps = capture_environment(project_dir=tmp_path)
    assert environment.lock_file == "requirements.txt"
    assert gaps == ("environment.lock: requirements.txt pins no hashes",)


def test_a_lock_file_with_a_password_is_named_and_not_stored(tmp_path: Path) -> None:
    text = "--extra-index-url https://ada:" + "hunter2@example.org/simple\na==1 --hash=sha256:00\n"
    (tmp_path / "requirements.txt").write_text(text)
    environment, blobs, gaps = capture_environment(project_dir=tmp_path)
    assert environment.lock == Digest.of(text.encode())
    assert not any(b"hunter2" in data for data in blobs.values())
    assert gaps == ("environment.lock: requirements.txt withheld, it holds what looks like a secret",)


def test_no_value_of_the_environment_and_no_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        monkeypatch.setenv(f"CANARY_{number}", f"canary-value-{number}")
    environment, blobs, _ = capture_environment(project_dir=tmp_path)
    everything = repr(environment) + repr(blobs)
    assert "canary-value" not in everything
    assert str(tmp_path) not in everything
    assert str(_ROOT) not in everything
    assert os.environ.get("HOME", "/no/home") not in everything
