"""Histories of any number of versions, on SQLite and PostgreSQL, made once and kept in a folder."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.growing import Growing, Place, check
from lineage_pipelines import Catalog
from lineage_pipelines_tests import postgres_server


def open_history(url: str, place: Place, size: int, made: Path) -> Catalog:
    """Open the catalog of a history, which is made first where it is not.

    Args:
        url: the catalog's address.
        place: where its keys and files are.
        size: how many versions it has.
        made: the file that says that it is whole.
    """
    if not made.exists():
        place.prepare()
        print(f"making a history of {size:,} versions in {url.partition(':')[0]}", file=sys.stderr)
        with Growing(url, keys=place.keys) as growing:
            growing.grow(place, size)
            if wrong := check(growing):
                raise SystemExit(f"the history is not genuine: {wrong}")
        made.touch()
    else:
        print(f"opening the history of {size:,} versions; that of an older schema is indexed anew", file=sys.stderr)
        Catalog(url, keys=place.keys).close()
    return Catalog(url, read_only=True)


@contextlib.contextmanager
def sqlite(place: Place, size: int) -> Iterator[Catalog]:
    """Open the history of a size on SQLite."""
    folder = place.folder / "sqlite" / str(size)
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with open_history(f"sqlite:///{folder}/catalog.db", place, size, folder / "made") as catalog:
        yield catalog


@contextlib.contextmanager
def postgresql(place: Place) -> Iterator[postgres_server.Server]:
    """Start the server that holds the histories on PostgreSQL; its data are kept with the rest.

    Where root measures it runs as another account, which must be able to enter the folder.
    """
    folder, account = place.folder / "postgresql", None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.getuid() == 0:  # the server refuses to run as root
        account = "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"
    if not (folder / "data").exists():
        folder.mkdir(parents=True)
        if account is not None:
            shutil.chown(folder, account)
        initdb = [str(postgres_server.programs() / "initdb"), "-D", str(folder / "data"), "-U", postgres_server.USER]
        initdb += ["-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=account, cwd=folder)
    server = postgres_server.Server(folder, port, account)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def in_postgresql(server: postgres_server.Server, place: Place, size: int) -> Catalog:
    """Open the history of a size on that server."""
    name, made = f"history_{size}", place.folder / f"postgresql-{size}-made"
    if not made.exists():
        server.run(f"DROP DATABASE IF EXISTS {name}")
        server.run(f"CREATE DATABASE {name} TEMPLATE template0")
    return open_history(server.url(name), place, size, made)
