"""A project with a signed catalog, and the command run in it as a process of its own."""

import contextlib
import hashlib
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests import fork_server
from lineage_pipelines_tests.samples import make_record

LINEAGE = str(Path(sys.executable).with_name("lineage"))
QUOTED = shlex.quote(LINEAGE)
"""For a shell."""
SECONDS = 60
TO = ("--to", "production", "--reason", "it is better")
TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Project:
    """Three versions of flight_delay, the last with a failed check, and a key of the log."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def make(self) -> "Project":
        """Write the project."""
        self.root.mkdir(exist_ok=True)
        (self.root / "pyproject.toml").write_text("[tool.lineage]\n")
        with self.catalog() as catalog:
            for run, auc in (("1", 0.7), ("2", 0.75), ("3", 0.61)):
                catalog.append(make_record(run=run, auc=auc))
        return self

    def catalog(self) -> Catalog:
        """Open the catalog for writing, with the log's key."""
        settings = resolve_settings(start=self.root)
        return Catalog(settings.catalog, keys=settings.keys)

    @property
    def file(self) -> Path:
        """The catalog."""
        return self.root / ".lineage" / "catalog.db"

    def run(self, *words: str | bytes, command: Sequence[str] = (LINEAGE,), **options: Any) -> Done:
        """Run the command; `env` is added to the environment, and None takes a variable out of it."""
        given = {**self.env, **options.pop("env", {})}
        env = {name: value for name, value in {**os.environ, **given}.items() if value is not None}
        cwd = options.pop("cwd", self.root)
        if command == (LINEAGE,) and not options and all(name.startswith("LINEAGE_") for name in given):
            return fork_server.run(words, cwd=cwd, env=env, seconds=SECONDS)
        return subprocess.run(
            [*command, *words],
            cwd=cwd,
            env=env,
            input="",
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=SECONDS,
            check=False,
            **options,
        )

    def refused(self, code: int, *words: str | bytes, told: Sequence[str], **options: Any) -> Done:
        """Run what is to be refused; see that it says each of `told`, and changes nothing."""
        before = self.state()
        done = self.run(*words, **options)
        check_refused(done, code, told)
        assert self.state() == before
        return done

    def entries(self) -> list[tuple[Any, ...]]:
        """Return every entry of the log."""
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as raw:
            return raw.execute("SELECT seq, kind, digest, recorded FROM log ORDER BY seq").fetchall()

    def state(self) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
        """Return every entry of the log, and every file but the database's with its digest."""
        names = sorted(path for path in self.root.rglob("*") if path.is_file() and "catalog.db" not in path.name)
        return self.entries(), {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in names}


def check_refused(done: Done, code: int, told: Sequence[str]) -> None:
    """See that a refusal is one: its code, its words, what to do, no traceback, no answer."""
    assert done.returncode == code, done.stderr
    for words in told:
        assert words in done.stderr
    assert "  fix:   " in done.stderr, done.stderr
    for never in ("Traceback", "--debug …", "\x1b", "\u202e"):
        assert never not in done.stderr
    assert done.stdout == ""


def python(code: str) -> tuple[str, ...]:
    """Return a command that runs `code`, then the command line in the same process."""
    then = "\nimport sys\nfrom lineage_pipelines.cli import main\nsys.exit(main())"
    return (sys.executable, "-c", code + then)
