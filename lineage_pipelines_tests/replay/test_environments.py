"""The recorded libraries are installed by hash from a folder of wheels; one that is gone or altered is named."""

import base64
import dataclasses
import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.environment import list_packages
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.replay import environments
from lineage_pipelines.replay.environments import (
    Building,
    EnvironmentGoneError,
    differences,
    find_interpreter,
    is_current,
    parse_hashes,
    parse_packages,
    this_instead,
    this_python,
    write_requirements,
)
from lineage_pipelines_tests.samples import make_record


def make_wheel(folder: Path, name: str, version: str, text: str = "VALUE = 1\n") -> str:
    """Write a wheel with one module; return its SHA-256."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},sha256={_record_hash(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Recorded:
    """An environment of two small libraries, as a record would have it."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.store = ArtifactStore(str(folder / "artifacts"))
        self.building = Building(wheels=self.wheels, index=False, kept=folder / "environments")
        hashes = {name: make_wheel(self.wheels, name, "1.0") for name in ("tiny", "small")}
        packages = "small==1.0\ntiny==1.0\n"
        lock = "".join(f"{name}==1.0 \\\n    --hash=sha256:{each}\n" for name, each in hashes.items())
        self.environment = Environment(
            python=this_python(),
            platform="any",
            cpu="any",
            packages=self.store.put_bytes(packages.encode()),
            package_count=2,
            lock=self.store.put_bytes(lock.encode()),
            lock_file="requirements.lock",
        )

    def build(self) -> str:
        found = find_interpreter(self.environment, self.store, own=self.wheels, building=self.building)
        said = subprocess.run(
            [found.python, "-c", "import tiny; print(tiny.VALUE)"], capture_output=True, text=True, check=True
        )
        return f"{found.origin} {said.stdout.strip()}"


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either installer; what needs none has no such parameter."""
    if request.param == "pip":  # as where uv is not installed
        monkeypatch.setattr(environments, "_uv", lambda: None)


@pytest.mark.usefixtures("installer")
def test_an_environment_is_built_once_from_wheels_with_the_recorded_hashes(recorded: Recorded) -> None:
    assert not is_current(recorded.environment)
    assert recorded.build() == "built now 1"
    for wheel in recorded.wheels.iterdir():
        wheel.unlink()
    assert recorded.build() == "built before 1"


@pytest.mark.usefixtures("installer")
def test_one_wheel_that_is_gone_is_named_and_nothing_half_built_is_used(recorded: Recorded) -> None:
    (gone,) = recorded.wheels.glob("small*")
    data = gone.read_bytes()
    gone.unlink()
    for _ in range(2):
        with pytest.raises(EnvironmentGoneError, match="small"):
            recorded.build()
    gone.write_bytes(data)
    assert recorded.build() == "built now 1"


@pytest.mark.usefixtures("installer")
def test_a_wheel_that_was_altered_is_refused(recorded: Recorded) -> None:
    make_wheel(recorded.wheels, "tiny", "1.0", "VALUE = 2\n")
    with pytest.raises(EnvironmentGoneError, match=r"(?i)hash"):
        recorded.build()


def test_without_building_the_difference_is_said(recorded: Recorded) -> None:
    recorded.building = Building(build=False, kept=recorded.building.kept)
    with pytest.raises(EnvironmentGoneError, match="and none was built"):
        recorded.build()
    assert "small absent instead of 1.0" in differences(recorded.environment, recorded.store)
    assert this_instead(recorded.environment, recorded.store).differs


def test_another_python_that_is_not_here_is_named(recorded: Recorded) -> None:
    other = Environment(
        python="CPython 2.7.18", platform="", cpu="", packages=recorded.environment.packages, package_count=2
    )
    with pytest.raises(EnvironmentGoneError, match=r"CPython 2\.7\.18 is not on this machine"):
        find_interpreter(other, recorded.store, own=recorded.wheels, building=recorded.building)


def test_a_list_that_is_gone_is_named(recorded: Recorded) -> None:
    lost = Environment(python=this_python(), platform="", cpu="", packages=Digest.of(b"lost"), package_count=2)
    with pytest.raises(EnvironmentGoneError, match="list of libraries is gone"):
        find_interpreter(lost, recorded.store, own=recorded.wheels, building=recorded.building)


def test_this_environment_is_recognised(tmp_path: Path) -> None:
    packages, count, _ = list_packages()
    mine = Environment(python=this_python(), platform="", cpu="", packages=Digest.of(packages), package_count=count)
    assert is_current(mine)
    assert differences(mine, _store_with(tmp_path, packages)) == ()


def _store_with(folder: Path, data: bytes) -> ArtifactStore:
    store = ArtifactStore(str(folder / "artifacts"))
    store.put_bytes(data)
    return store


@pytest.mark.parametrize(
    "line",
    ["scipy==1.0 --config-settings=x", "--index-url http://127.0.0.1:1/simple==1", "numpy==1 @ https://x.example/n"],
)
def test_no_option_or_address_is_written_for_an_installer(line: str) -> None:
    with pytest.raises(EnvironmentGoneError, match="not a name and a version"):
        write_requirements(parse_packages(line, None))


def test_requirements_keep_origin_and_hashes() -> None:
    lock = "Some_Lib[extra]==2.0 \\\n    --hash=sha256:aa11 \\\n    --hash=sha256:bb22\n# via x\nother==1\n"
    assert parse_hashes(lock) == {("some-lib", "2.0"): ["sha256:aa11", "sha256:bb22"]}
    mine, some = parse_packages("mine==0.1 @ editable\nsome-lib==2.0\n", lock)
    assert mine.is_own
    assert write_requirements([some]).splitlines() == ["some-lib==2.0 --hash=sha256:aa11 --hash=sha256:bb22"]


@pytest.mark.parametrize(
    "line",
    [
        *("--index-url==https://example.invalid/simple", "-r==/etc/passwd", "--index-url https://example.invalid"),
        *("taken==3 @ git+https://example.invalid/x@abc", "taken==3 @ file:///tmp/x", "taken", "a==1 --pre", "a==1;b"),
        *("taken @ https://example.invalid/x.whl", "==1", "a b==1", "a==1 # --hash"),
    ],
)
def test_options_and_addresses_in_a_recorded_list_are_refused(tmp_path: Path, line: str) -> None:
    listed = f"numpy==2.4.0\n{line}\n".encode()
    artifacts = ArtifactStore(str(tmp_path / "artifacts"))
    environment = dataclasses.replace(make_record().environment, packages=artifacts.put_bytes(listed), lock=None)
    building = Building(kept=tmp_path / "kept", index=False)
    with pytest.raises(EnvironmentGoneError, match="a line that is not a name and a version") as caught:
        find_interpreter(environment, artifacts, own=tmp_path, building=building)
    assert line in caught.value.what
    assert not (tmp_path / "kept").exists()
