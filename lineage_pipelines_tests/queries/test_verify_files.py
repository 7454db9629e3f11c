"""The files that records name, against the artifact store and DVC."""

import dataclasses
import os
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.statement.code import SourceFile
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageRun
from lineage_pipelines.records.statement.lineage_record import Completeness, LineageRecord
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines_tests.samples import digest, make_record
from lineage_pipelines_tests.world import World


class Shop:
    """A project whose versions name files that exist: one model file each, shared blobs, a table and a folder."""

    def __init__(self, root: Path) -> None:
        self.world = World(root)
        self.store = ArtifactStore(str(root / ".lineage/artifacts"))
        self.url = f"sqlite:///{root}/.lineage/catalog.db"
        self.keys = root / ".lineage/keys"
        self.world.write("data/train.csv", "a,b\n1,2\n")
        self.world.write("data/raw/one.csv", "one\n")
        self.world.write("data/raw/two.csv", "two\n")
        self.world.track("data/train.csv", "data/raw")

    def train(self, run: str, *, missing: tuple[str, ...] = (), leave_out: str = "") -> LineageRecord:
        """Commit a version; its blobs are stored, all but one when told so."""
        record = make_record(run=run)
        texts = ("packages", "patch", "train.py", "profile", f"model of flight_delay {run}")
        for text in texts:
            if text != leave_out:
                self.store.put_bytes(text.encode())
        source = record.code.source
        assert source is not None
        files = (SourceFile(path="flights/train.py", sha256=digest("train.py").hex),)
        record = dataclasses.replace(
            record,
            data=(self._snapshot(),),
            stages=(self._stage(),),
            code=dataclasses.replace(record.code, source=dataclasses.replace(source, files=files)),
            completeness=Completeness(missing=missing),
        )
        with Catalog(self.url, keys=self.keys) as catalog:
            return catalog.append(record).record

    def _snapshot(self) -> DatasetSnapshot:
        found = SnapshotCache(self.world.root).snapshot(self.world.path("data/train.csv"))
        return DatasetSnapshot(
            name="train",
            role="train",
            path="data/train.csv",
            digest=found.digest,
            size=found.size,
            files=1,
            profile=digest("profile"),
            produced_by="prepare",
        )

    def _stage(self) -> StageRun:
        found = SnapshotCache(self.world.root).snapshot(self.world.path("data/raw"))
        raw = StageInput(path="data/raw", digest=found.digest, origin="tracked:data/raw.dvc")
        return StageRun(name="prepare", command="make", deps=(raw,), lock=digest("lock"))

    def verify(self, *, only: tuple[int, ...] = ()) -> dict[str, Finding]:
        with Catalog(self.url, read_only=True) as catalog:
            claims = verify_catalog(catalog, artifacts=self.store, project_dir=self.world.root, only=only)
        return {str(claim.kind): claim for claim in claims}

    def stored(self, text: str) -> Path:
        return Path(self.store.url_of(digest(text)))

    def cached(self, text: str) -> Path:
        found = SnapshotCache(self.world.root).snapshot(self.world.path(text)).digest
        return self.world.cached(found.md5 or "")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_everything_that_records_name_is_there(shop: Shop) -> None:
    for run in "123":
        shop.train(run)
    claims = shop.verify()
    assert claims["artifacts"].status is FindingStatus.OK
    assert claims["artifacts"].detail == "3 model files and 4 blobs are in the store and unaltered"
    assert claims["data"].status is FindingStatus.OK
    assert claims["data"].detail == "1 snapshot and 1 tracked source are there and unaltered (16 bytes)"


@pytest.mark.parametrize(
    ("text", "words", "entries"),
    [
        ("packages", "flight_delay@1, flight_delay@2: the package list: ", (2, 3)),
        ("patch", "the patch: ", (2, 3)),
        ("train.py", "source file flights/train.py: ", (2, 3)),
        ("profile", "the profile of data/train.csv: ", (2, 3)),
        ("model of flight_delay 2", "flight_delay@2: its model file: ", (3,)),
    ],
)
def test_a_stored_file_that_is_altered_or_gone_is_named(
    shop: Shop, text: str, words: str, entries: tuple[int, ...]
) -> None:
    for run in "12":
        shop.train(run)
    overwrite(shop.stored(text), b"x")
    claim = shop.verify()["artifacts"]
    assert (claim.status, claim.places, len(claim.causes)) == (FindingStatus.FAIL, entries, 1)
    assert words in claim.detail
    assert "altered" in claim.detail
    shop.stored(text).unlink()
    claim = shop.verify()["artifacts"]
    assert words in claim.detail
    assert "no stored file" in claim.detail


def test_a_blob_that_was_withheld_is_not_missed(shop: Shop) -> None:
    withheld = "code.source: flights/train.py withheld, it holds what looks like a secret at flights/train.py:3"
    shop.train("1", missing=(withheld,), leave_out="train.py")
    assert shop.verify()["artifacts"].status is FindingStatus.OK


def test_a_stored_file_that_never_ends_is_told(shop: Shop) -> None:
    shop.train("1")
    path = shop.stored("packages")
    path.unlink()
    os.mkfifo(path)
    claim = shop.verify()["artifacts"]
    assert claim.status is FindingStatus.FAIL
    assert "not a regular file" in claim.detail


def test_altered_data_is_named_with_version_path_and_digests(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    expected = shop.cached("data/train.csv")
    overwrite(expected, b"a,b\n1,3\n")
    claim = shop.verify()["data"]
    assert (claim.status, claim.places) == (FindingStatus.FAIL, (2, 3))
    assert claim.detail.startswith("flight_delay@1, flight_delay@2: data/train.csv: was altered: expected MD5 ")


def test_data_that_is_gone_fails_and_sources_that_are_gone_do_not(shop: Shop) -> None:
    shop.train("1")
    cached = shop.cached("data/raw"), shop.cached("data/train.csv")
    shop.world.append("data/raw/one.csv", "more\n")
    cached[0].unlink()
    claim = shop.verify()["data"]
    assert claim.status is FindingStatus.OK
    assert "1 sources behind them are gone, among them data/raw" in claim.detail
    shop.world.append("data/train.csv", "3,4\n")
    cached[1].unlink()
    claim = shop.verify()["data"]
    assert (claim.status, claim.places) == (FindingStatus.FAIL, (2,))
    assert "flight_delay@1: data/train.csv: MD5" in claim.detail
    assert "restore it from a copy" in claim.detail


@pytest.mark.parametrize(
    ("remote", "verdict"),
    [
        ("git@example.invalid:flights.git", FindingStatus.FAIL),
        ("https://example.invalid/flights", FindingStatus.FAIL),
        ("https://example.invalid/others.git", FindingStatus.NOT_CHECKED),
        ("", FindingStatus.FAIL),
    ],
)
def test_data_of_another_repository_is_not_expected_here(shop: Shop, remote: str, verdict: FindingStatus) -> None:
    """The records say https://example.invalid/flights.git; a team may keep one catalog for many repositories."""
    shop.train("1")
    if remote:
        shop.world.git("remote", "add", "origin", remote)
    shop.cached("data/train.csv").unlink()
    shop.world.append("data/train.csv", "3,4\n")
    claim = shop.verify()["data"]
    assert claim.status is verdict
    if verdict is FindingStatus.NOT_CHECKED:
        assert "1 snapshot of other repositories: https://example.invalid/flights.git" in claim.detail


def test_a_snapshot_that_dvc_does_not_name_cannot_be_looked_for(shop: Shop) -> None:
    record = shop.train("1")
    (snapshot,) = record.data
    data = (dataclasses.replace(snapshot, digest=DigestSet(sha256=snapshot.digest.sha256)),)
    model = dataclasses.replace(record.model, previous=None, run_key="f" * 64)
    with Catalog(shop.url, keys=shop.keys) as catalog:
        catalog.append(dataclasses.replace(record, model=model, data=data))
    claim = shop.verify()["data"]
    assert claim.status is FindingStatus.NOT_CHECKED
    assert "1 snapshot without MD5 cannot be checked, for example data/train.csv" in claim.detail


def test_an_altered_source_fails(shop: Shop) -> None:
    shop.train("1")
    overwrite(shop.cached("data/raw/one.csv"), b"uno\n")
    claim = shop.verify()["data"]
    assert claim.status is FindingStatus.FAIL
    assert "data/raw: one.csv: was altered" in claim.detail


def test_a_record_that_lies_about_its_data_is_found(shop: Shop) -> None:
    """The MD5 is DVC's and right; the SHA-256 is the record's own."""
    record = shop.train("1")
    (snapshot,) = record.data
    lie = dataclasses.replace(snapshot.digest, sha256="0" * 64)
    model = dataclasses.replace(record.model, previous=None, run_key="f" * 64)
    forged = dataclasses.replace(record, model=model, data=(dataclasses.replace(snapshot, digest=lie),))
    with Catalog(shop.url, keys=shop.keys) as catalog:
        catalog.append(forged)
    claim = shop.verify()["data"]
    assert (claim.status, claim.places) == (FindingStatus.FAIL, (3,))
    assert f"expected {'0' * 64}, found {snapshot.digest.sha256}" in claim.detail


def test_only_the_files_of_the_versions_that_were_asked_for_are_read(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.stored("model of flight_delay 1").unlink()
    assert shop.verify(only=(2,))["artifacts"].status is FindingStatus.FAIL
    assert shop.verify(only=(3,))["artifacts"].status is FindingStatus.OK


def test_without_a_dvc_project_data_is_not_checked(shop: Shop, tmp_path: Path) -> None:
    shop.train("1")
    with Catalog(shop.url, read_only=True) as catalog:
        claims = {str(claim.kind): claim for claim in verify_catalog(catalog, project_dir=tmp_path)}
    assert claims["data"].status is FindingStatus.NOT_CHECKED
    assert "not in a DVC project" in claims["data"].detail
    assert claims["artifacts"].status is FindingStatus.NOT_CHECKED


def test_a_store_in_memory_is_read_too(shop: Shop) -> None:
    shop.train("1")
    store = ArtifactStore("memory://verify-files")
    for text in ("packages", "patch", "train.py", "profile", "model of flight_delay 1"):
        assert store.put_bytes(text.encode()) == Digest.of(text.encode())
    shop.store = store
    assert shop.verify()["artifacts"].status is FindingStatus.OK
