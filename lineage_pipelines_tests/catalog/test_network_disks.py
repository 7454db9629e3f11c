"""A catalog in a file belongs on a local disk, and says so; who keeps it busy is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.catalog.backends import sqlite
from lineage_pipelines.catalog.backends.filesystem import lock_holders, network_disk
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines_tests.samples import make_record

MOUNTS = """\
22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
90 28 0:45 / /mnt/team rw,relatime shared:40 - nfs4 filer:/team rw,vers=4.2
91 90 8:17 / /mnt/team/local rw,relatime shared:41 - xfs /dev/sdb1 rw
92 28 0:46 / /mnt/our\\040share rw shared:42 - cifs //filer/share rw
93 28 0:47 / /mnt/cloud rw shared:43 - fuse.s3fs s3fs rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/catalog.db", None),
        ("/mnt/team", "nfs4"),
        ("/mnt/team/a/catalog.db", "nfs4"),
        ("/mnt/teamwork/catalog.db", None),
        ("/mnt/team/local/catalog.db", None),
        ("/mnt/our share/catalog.db", "cifs"),
        ("/mnt/cloud/catalog.db", "fuse.s3fs"),
    ],
)
def test_the_kind_of_disk_is_that_of_the_innermost_mount(path: str, kind: str | None) -> None:
    assert network_disk(Path(path), MOUNTS) == kind


def test_this_disk_is_local(tmp_path: Path) -> None:
    assert network_disk(tmp_path) is None
    assert network_disk(tmp_path, "") is None


def test_on_a_network_disk_nothing_is_written_unless_it_is_meant_so(
    url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = f"90 28 0:45 / {file.parent.parent} rw - nfs4 filer:/team rw"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "network_disk", lambda path: network_disk(path, mounts))
        with pytest.raises(
            CatalogError, match=r"on a network disk \(nfs4\), where SQLite's locks do not hold"
        ) as caught:
            Catalog(url)
        assert "keep it in PostgreSQL" in caught.value.fix
        assert not file.parent.exists()
        patch.setenv(sqlite.ALLOW_NETWORK_DISK, "1")
        with Catalog(url) as catalog:
            catalog.append(make_record())
        patch.delenv(sqlite.ALLOW_NETWORK_DISK)
        with Catalog(url, read_only=True) as catalog:  # reading harms nobody
            assert catalog.get("flight_delay", 1).version == 1


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_who_keeps_the_catalog_busy_is_named(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with Catalog(url) as catalog:
        holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdin=-1, stdout=-1)
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(CatalogError, match=f"busy for a minute, last process {holder.pid}"):
                catalog.append(make_record())
        finally:
            holder.communicate()
        assert catalog.append(make_record()).version == 1
    assert lock_holders(file.with_name("nothing")) == ()
    assert os.getpid() not in lock_holders(file)
