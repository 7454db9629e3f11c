"""The index is derived again and compared: no row of it can be changed, added or taken away without being named."""

from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.attempts import AttemptEnd
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.finding import FindingStatus
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record

USAGE_OF_2 = "SELECT entity FROM usage WHERE seq = 2 LIMIT 1"


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    """A catalog of three versions, by attempts, with something to send and something sent."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", mirrors=["mlflow"]) as catalog:
        for run in "123":
            record = make_record(run=run)
            attempt = catalog.outbox.begin_attempt(
                record.model.run_key, "flight_delay", host="here", process=f"process {run}"
            )
            catalog.append(record, attempt=attempt)
        catalog.outbox.mark_delivered("mlflow", [catalog.get("flight_delay", 1)])
        given_up = catalog.outbox.begin_attempt("f" * 64, "flight_delay", host="here", process="gone")
        catalog.outbox.end_attempt(given_up, AttemptEnd.FAILED)
    return tmp_path / "catalog.db"


def verdict(path: Path, *, only: tuple[int, ...] = ()) -> tuple[FindingStatus, str]:
    with Catalog(f"sqlite:///{path}", read_only=True) as catalog:
        return next(
            (claim.status, claim.detail) for claim in verify_catalog(catalog, only=only) if str(claim.kind) == "index"
        )


def test_an_honest_index_follows_from_the_log(catalog_file: Path) -> None:
    status, detail = verdict(catalog_file)
    assert status is FindingStatus.OK
    assert "rows follow from the log" in detail
    with Catalog(f"sqlite:///{catalog_file}") as catalog:
        catalog.rebuild()
    assert verdict(catalog_file) == (status, detail)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM usage WHERE seq = 2", "entry 2 (record, flight_delay@2): usage"),
        (f"DELETE FROM usage WHERE seq = 2 AND entity = ({USAGE_OF_2})", "entry 2 (record, flight_delay@2): usage"),
        ("UPDATE usage SET beside = 1 - beside WHERE seq = 3", "entry 3 (record, flight_delay@3): usage"),
        ("UPDATE usage SET seq = 99 WHERE seq = 3", "flight_delay@3): usage"),
        ("INSERT INTO usage SELECT id, 2, 0 FROM entity WHERE id NOT IN (SELECT entity FROM usage WHERE seq = 2)", "2"),
        ("INSERT INTO usage VALUES (1234567, 2, 0)", "entry 2 (record, flight_delay@2): usage"),
        ("UPDATE entity SET name = 'elsewhere' WHERE kind = 'file'", "another key"),
        (
            "INSERT INTO entity VALUES (999, 'made up', 'file', 'data/other', '', '')",
            "no record names file 'data/other'",
        ),
        ("DELETE FROM part", "other files for the sources"),
        ("DELETE FROM part WHERE entity = (SELECT min(entity) FROM part)", "other files for the sources"),
        ("DELETE FROM artifact", "artifact"),
        ("UPDATE artifact SET seq = seq + 10", "artifact"),
        ("UPDATE version SET run_key = 'another' WHERE seq = 2", "entry 2 (record, flight_delay@2): version"),
        (
            "UPDATE summary SET body = replace(body, '0', '1') WHERE seq = 3",
            "entry 3 (record, flight_delay@3): summary",
        ),
        ("UPDATE summary SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 1", "summary"),
        ("DELETE FROM summary", "summary"),
        ("UPDATE model SET folded = 'other'", "another line for the model 'flight_delay'"),
        ("INSERT INTO decided VALUES ('decision', 'flight_delay', 'production', 2, 1, 1)", "decided"),
        ("INSERT INTO decided VALUES ('approval', 'flight_delay', 'production', 2, 1, 0)", "decided"),
        ("INSERT INTO outbox VALUES ('mlflow', 77)", "is nothing that is sent"),
        ("INSERT INTO delivery VALUES ('elsewhere', 2, '2013')", "was never to be sent there"),
        ("DELETE FROM attempt_end WHERE epoch = 1 AND how = 'committed'", "is not said to have committed"),
        ("UPDATE attempt SET model = 'other'", "is of another model than the attempt"),
        ("UPDATE attempt_end SET how = 'committed'", "is said to have committed a version, and the log has none"),
        ("DELETE FROM attempt", "has the end of an attempt that never began"),
        ("UPDATE attempt SET epoch = 5", "lacks some of its attempts"),
    ],
)
def test_every_lie_of_the_index_is_named(catalog_file: Path, change: str, named: str) -> None:
    with unguarded(catalog_file) as raw:
        assert raw.execute(change).rowcount
    status, detail = verdict(catalog_file)
    assert status is FindingStatus.FAIL
    assert named in detail


def test_one_version_is_compared_alone(catalog_file: Path) -> None:
    with unguarded(catalog_file) as raw:
        raw.execute("DELETE FROM usage WHERE seq = 2")
    assert verdict(catalog_file, only=(1,))[0] is FindingStatus.OK
    assert verdict(catalog_file, only=(2,))[0] is FindingStatus.FAIL


def test_an_altered_log_gives_no_index_to_compare_with(catalog_file: Path) -> None:
    with unguarded(catalog_file) as raw:
        raw.execute("UPDATE log SET body = x'00' WHERE seq = 2")
    assert verdict(catalog_file)[0] is FindingStatus.NOT_CHECKED
