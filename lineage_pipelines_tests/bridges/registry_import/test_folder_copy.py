"""What a model folder may not be: a way out of itself, or into this machine."""

import os
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import (
    NoFolderError,
    _checked,
    copy_rules,
    describe_folder,
    store_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with one file."""
    found = tmp_path / "model"
    found.mkdir()
    (found / "MLmodel").write_text("flavors: {}\n")
    return found


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a\\..\\b", "a\nb", "a\0b", "d/" * 70 + "x"]
)
def test_a_listed_path_that_may_lie_outside_is_refused(path: str) -> None:
    with pytest.raises(NoFolderError):
        _checked(path, "")


def test_a_listed_path_lies_in_the_folder_that_was_asked_for() -> None:
    assert _checked("data/model.pkl", "data") == "data/model.pkl"
    for path in ("data", "database/x", "other"):
        with pytest.raises(NoFolderError):
            _checked(path, "data")


def _keep(place: Path | str, tmp_path: Path, address: str = "sqlite:///x.db") -> None:
    store_folder(str(place), address, ArtifactStore(str(tmp_path / "store")), copy_rules(address, [tmp_path]))


def test_a_link_that_leaves_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "secret").symlink_to("/etc/hostname")
    with pytest.raises(NoFolderError, match="a link leaves the folder"):
        _keep(folder, tmp_path)


def test_what_is_neither_file_nor_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(NoFolderError, match="neither a file nor a folder"):
        _keep(folder, tmp_path)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_server_elsewhere_names_no_folder_of_this_machine(folder: Path, tmp_path: Path, scheme: str) -> None:
    with pytest.raises(NoFolderError, match="is not read"):
        _keep(f"{scheme}{folder}", tmp_path, "https://mlflow.example.org")
    assert not (tmp_path / "store").exists()
    _keep(f"{scheme}{folder}", tmp_path, "http://127.0.0.1:5000")
    assert (tmp_path / "store").exists()


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A home folder, beside the folder of the artifacts."""
    (tmp_path / "roots").mkdir()
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "id_ed25519").write_text("PRIVATE\n")
    (ssh / "config").write_text("Host x\n")
    return tmp_path / "home"


@pytest.mark.parametrize(
    "how", ["file://{}/.ssh", "{}/.ssh", "{}/../home/.ssh", "{root}/link", "{root}/../home", "../home"]
)
def test_a_folder_outside_the_roots_is_refused(victim: Path, tmp_path: Path, how: str) -> None:
    root = tmp_path / "roots"
    (root / "link").symlink_to(victim / ".ssh")
    store = ArtifactStore(str(tmp_path / "store"))
    with pytest.raises(NoFolderError, match="in no folder that may be read; name one with --artifact-root"):
        store_folder(how.format(victim, root=root), "sqlite:///x.db", store, copy_rules("sqlite:///x.db", [root]))
    assert not (tmp_path / "store").exists()


def test_the_roots_that_an_address_names(tmp_path: Path) -> None:
    (tmp_path / "mlartifacts").symlink_to("/etc")
    assert copy_rules(f"sqlite:///{tmp_path}/mlflow.db").roots == (tmp_path.resolve() / "mlruns",)
    assert copy_rules(f"file://{tmp_path}").roots == copy_rules(str(tmp_path)).roots == (tmp_path.resolve(),)
    assert copy_rules("http://127.0.0.1:5000").roots == ()


@pytest.mark.parametrize("name", ["id_ed25519", ".aws/config", ".env", "data/server.pem", "credentials.json", ".netrc"])
def test_a_file_that_holds_secrets_by_its_name_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("secret\n")
    with pytest.raises(NoFolderError, match="by its name holds secrets"):
        _keep(folder, tmp_path)
    with pytest.raises(NoFolderError, match="by its name holds secrets"):
        _keep((folder / name).parent if name.startswith(".aws") else folder / name, tmp_path)
    assert not (tmp_path / "store").exists()


def test_a_folder_beyond_the_size_is_refused_before_it_is_copied(folder: Path, tmp_path: Path) -> None:
    with (folder / "model.pkl").open("wb") as file:
        file.truncate(3 * 10**9)
    rules = copy_rules("", [tmp_path], 2.0)
    with pytest.raises(NoFolderError, match=r"3,000,\d\d\d,\d\d\d bytes or more, and 2,000,000,000 are allowed"):
        store_folder(str(folder), "sqlite:///x.db", ArtifactStore(str(tmp_path / "store")), rules)
    assert not (tmp_path / "store").exists()


def test_an_empty_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoFolderError, match="there are no files"):
        _keep(tmp_path / "empty", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "- a",
        "flavors: [1]",
        "flavors: {python_function: 7}",
        "&a [*a]",
        "flavors: {python_function: {loader_module: 'os; x'}}",
    ],
)
def test_a_description_that_is_odd_says_nothing(text: str) -> None:
    found = describe_folder({"MLmodel": text.encode(), "requirements.txt": b"\xff\xfe"})
    assert (found.python, found.loader, found.requirements) == (None, None, ())


def test_rows_of_data_beside_the_model_are_left_out(folder: Path, tmp_path: Path) -> None:
    for name in ("input_example.json", "serving_input_example.json"):
        (folder / name).write_text('{"name": "Ada Lovelace"}')
    kept = store_folder(
        str(folder), "sqlite:///x.db", ArtifactStore(str(tmp_path / "store")), copy_rules("", [tmp_path])
    )
    assert kept.left_out == ("input_example.json", "serving_input_example.json")
    stored = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(stored) == 2, "the list and MLmodel"
    assert not any(b"example" in data or b"Ada" in data for data in stored)
