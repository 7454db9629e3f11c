"""Who used this: files inside tracked directories, and packages."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.subject import Places
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines_tests.queries.asking import ask, fill, refs
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World


@pytest.fixture
def delivered(world: World) -> tuple[World, list[str]]:
    """Two deliveries of a tracked directory, a version on each; the second has another file more."""
    md5s = []
    for months in (["01"], ["01", "02"]):
        for month in months:
            world.write(f"data/raw/{month}.csv", f"month\n{month}\n")
        world.dvc("add", "data/raw")
        md5s.append(_directory_md5(world))
    for number, md5 in enumerate(md5s):
        record = make_record(str(number + 1), raw=md5)
        raw = dataclasses.replace(record.stages[0].deps[0], digest=DigestSet(md5=md5))
        stage = dataclasses.replace(record.stages[0], deps=(raw,))
        fill(world.root, dataclasses.replace(record, stages=(stage, record.stages[1])))
    return world, md5s


def _directory_md5(world: World) -> str:
    text = world.path("data/raw.dvc").read_text()
    return next(line.split()[-1] for line in text.splitlines() if "md5:" in line and ".dir" in line)


def test_a_file_inside_a_tracked_directory_is_found_by_path_and_by_md5(delivered: tuple[World, list[str]]) -> None:
    world, _ = delivered
    places = Places(project_dir=world.root)
    md5 = {month: hashlib.md5(f"month\n{month}\n".encode()).hexdigest() for month in ("01", "02")}
    for subject in ("data/raw/02.csv", md5["02"], md5["02"][:8], str(world.path("data/raw/02.csv"))):
        found = ask(world.root, subject, places)
        assert refs(found) == ["flight_delay@2"], subject
        assert found.versions[0].how is not None
        assert found.versions[0].how.what == "data/raw/02.csv"
        assert found.versions[0].how.stages == ("features", "split")
    for subject in ("data/raw/01.csv", md5["01"]):
        assert refs(ask(world.root, subject, places)) == ["flight_delay@2", "flight_delay@1"]
    with pytest.raises(NotFoundError) as told:
        ask(world.root, "data/raw/03.csv", places)
    assert "data/raw/02.csv" in told.value.fix


def test_where_a_listing_is_gone_a_version_may_have_used_the_file(delivered: tuple[World, list[str]]) -> None:
    world, md5s = delivered
    gone = world.path(f".dvc/cache/files/md5/{md5s[0][:2]}/{md5s[0][2:]}")
    gone.chmod(0o644)
    for break_it in (lambda: gone.write_text(json.dumps([])), gone.unlink):
        break_it()  # altered, then gone
        found = ask(world.root, "data/raw/02.csv", Places(project_dir=world.root))
        assert [(each.ref, each.how.doubtful) for each in found.versions if each.how] == [
            ("flight_delay@2", False),
            ("flight_delay@1", True),
        ]
        assert found.subject.weaker


# Packages


def test_a_package_is_found_with_and_without_its_version(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    records = []
    for run, version in (("1", "1.9.0"), ("2", "1.9.1"), ("3", "1.9.1")):
        listed = store.put_bytes(f"numpy==2.3.1\nscikit-learn=={version} @ local\n".encode())
        record = make_record(run)
        records.append(
            dataclasses.replace(record, environment=dataclasses.replace(record.environment, packages=listed))
        )
    fill(tmp_path, *records)
    places = Places(artifacts=store)
    assert refs(ask(tmp_path, "scikit-learn==1.9.1", places)) == ["flight_delay@3", "flight_delay@2"]
    found = ask(tmp_path, "Scikit_Learn", places)
    assert [each.how.what for each in found.versions if each.how] == [
        f"scikit-learn=={version}" for version in ("1.9.1", "1.9.1", "1.9.0")
    ]
    assert not found.subject.weaker
    with pytest.raises(NotFoundError):
        ask(tmp_path, "scikit-learn==1.9", places)


def test_without_the_list_what_the_model_needs_is_known_and_said_to_be_less(two: Path) -> None:
    found = ask(two, "scikit-learn==1.9.1")
    assert len(found.versions) == 4
    assert "not in the artifact store" in found.subject.weaker[0]


def test_a_parameter_that_is_called_like_a_list_of_packages_is_none(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    real, other = (store.put_bytes(f"{name}==1\n".encode()) for name in ("real", "other"))
    record = make_record()
    candidate = dataclasses.replace(record.candidates[0], parameters={"packages": str(other)})
    environment = dataclasses.replace(record.environment, packages=Digest("sha256", real.hex))
    fill(tmp_path, dataclasses.replace(record, candidates=(candidate,), environment=environment))
    assert refs(ask(tmp_path, "real", Places(artifacts=store))) == ["flight_delay@1"]
    with pytest.raises(NotFoundError):
        ask(tmp_path, "other==1", Places(artifacts=store))
