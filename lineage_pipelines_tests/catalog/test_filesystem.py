"""Disks that are full or read-only and files without permission: told in words, and nothing is stored by halves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines_tests.artifacts import limits
from lineage_pipelines_tests.samples import make_record


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    with limits.disk(tmp_path / "disk", "2m"):
        yield tmp_path / "disk"


def _append_until_refused(catalog: Catalog, first: int) -> tuple[int, CatalogError]:
    """Append until the disk has no room; return the run that did not fit, and why."""
    for run in range(first, 1000):
        try:
            catalog.append(make_record(str(run)))
        except CatalogError as error:
            return run, error
    raise AssertionError("the disk was never full")


def _check_goes_on(url: str, refused: int) -> None:
    """Check that all before the refused run is there, that nothing of it is, and that it fits now."""
    with Catalog(url) as catalog:
        versions = [entry.version for entry in catalog.entries("flight_delay")]
        assert versions == list(range(refused - 1, 0, -1))
        assert catalog.append(make_record(str(refused))).version == refused
        assert catalog.rebuild() == refused


def test_a_full_disk_stores_nothing_and_is_told(disk: Path) -> None:
    url = f"sqlite:///{disk}/catalog.db"
    with Catalog(url) as catalog:
        catalog.append(make_record("1"))
        limits.fill(disk / "filler", leave=100_000)
        refused, error = _append_until_refused(catalog, 2)
        assert refused > 2
        assert error.what.startswith("the disk is full")
        assert error.where == url
        assert "free some space, then try again: the same run gets the same version" in error.fix
        assert len(catalog.entries("flight_delay")) == refused - 1
        (disk / "filler").unlink()
        _check_goes_on(url, refused)


def test_a_file_that_may_not_grow_stores_nothing_and_is_told(url: str, file: Path) -> None:
    assert not file.exists()
    with Catalog(url) as catalog, limits.no_file_beyond(400_000):
        refused, error = _append_until_refused(catalog, 1)
    assert refused > 2
    assert "then try again" in error.fix
    _check_goes_on(url, refused)


def test_a_catalog_that_did_not_fit_when_it_was_made_is_made_later(url: str, file: Path) -> None:
    assert not file.exists()
    with limits.no_file_beyond(60_000), pytest.raises(CatalogError):
        Catalog(url)
    with Catalog(url) as catalog:
        assert catalog.append(make_record()).version == 1


def test_a_catalog_on_a_read_only_disk_can_be_read(disk: Path) -> None:
    url = f"sqlite:///{disk}/catalog.db"
    with Catalog(url) as catalog:
        entry = catalog.append(make_record())
    limits.make_read_only(disk)
    with Catalog(url, read_only=True) as catalog:
        assert catalog.entries("flight_delay") == [entry]
        with catalog.connection.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0
    with pytest.raises(CatalogError), Catalog(url) as catalog:
        catalog.append(make_record("2"))
    with pytest.raises(CatalogError):
        Catalog(f"sqlite:///{disk}/new/catalog.db")


def test_on_a_read_only_disk_half_of_a_catalog_is_not_read_as_the_whole(
    disk: Path, catalog: Catalog, file: Path
) -> None:
    entry = catalog.append(make_record())
    for path in file.parent.iterdir():
        shutil.copy(path, disk)
    (disk / "catalog.db-shm").unlink()
    limits.make_read_only(disk)
    with pytest.raises(CatalogError, match="the catalog cannot be opened"):
        Catalog(f"sqlite:///{disk}/catalog.db", read_only=True)
    assert catalog.latest("flight_delay") == entry


PERMISSIONS = """
import pathlib, sys
from lineage_pipelines import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines_tests.samples import make_record

file = pathlib.Path(sys.argv[1])

def attempt(folder, mode, name="catalog.db", read_only=False):
    for left in file.parent.glob("catalog.db-*"):
        left.unlink()
    file.chmod(mode)
    file.parent.chmod(folder)
    try:
        with Catalog(f"sqlite:///{file.parent}/{name}", read_only=read_only) as catalog:
            if read_only:
                print("read", len(catalog.entries("flight_delay")))
            else:
                catalog.append(make_record("2"))
    except CatalogError as error:
        print(error.what.partition(" (")[0])
        assert name in error.where and "permissions" in error.fix, error
    finally:
        file.parent.chmod(0o700)

attempt(0o500, 0o400, read_only=True)
attempt(0o700, 0o400)
attempt(0o500, 0o600)
attempt(0o700, 0o000)
attempt(0o700, 0o000, read_only=True)
attempt(0o000, 0o600, read_only=True)
attempt(0o500, 0o600, name="new.db")
attempt(0o500, 0o600, name="new/catalog.db")
"""


def test_what_permissions_forbid_is_told(catalog: Catalog, file: Path) -> None:
    entry = catalog.append(make_record())
    catalog.close()
    assert limits.run_as_anyone(PERMISSIONS, str(file)).splitlines() == [
        "read 1",
        *["the catalog may not be written"] * 2,
        *["the catalog cannot be used"] * 5,
    ]
    assert catalog.entries("flight_delay") == [entry]
