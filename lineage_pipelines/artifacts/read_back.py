"""Read-back: a model file is loaded in another process and compared with the model in memory that it was written from.

What is stored is what was trained only if that is so. Both sides digest the state of the model (`object_state`) and
predict a few rows. A file that crashes its loader, or that needs more time or memory than allowed, harms nobody here.
"""

import atexit
import contextlib
import functools
import json
import math
import os
import pickle
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts.model_file import SavedModel
from lineage_pipelines.artifacts.object_state import state_digest, state_trace
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.system.atomic_file import make_folder, replace_file

_TOLERANCE = 1e-6
"""Of predictions, relative to the largest: another process may add numbers up in another order. State is exact."""

_BEYOND = ("time", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What loading a model file may take."""

    seconds: int = 600
    megabytes: int = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRows:
    """Rows, and the method of a model that predicts them."""

    method: str
    rows: object


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedState:
    """What was found when a model file was loaded in another process."""

    digest: str | None
    """Of its state (hex SHA-256); None if it could not be loaded."""
    failure: str = ""
    """In words, why not."""


def read_back(
    saved: SavedModel, estimator: object, *, probe: ProbeRows | None = None, limits: ReadLimits | None = None
) -> str:
    """Load a model file in another process, and return the digest of its state, which is that of the model in memory.

    Args:
        saved: the file.
        estimator: the model that it was written from, not used in between.
        probe: rows to predict on both sides.
        limits: what the loading may take.

    Raises:
        ArtifactError: the file does not come back as the model that was saved, cannot be loaded, crashes the process
            that loads it, or goes beyond the limits. The message names the part.
    """
    try:
        expected = state_digest(estimator)
    except TypeError as error:
        raise _refused(saved, f"a part of it cannot be compared: {error}") from error
    request = _request(saved.path, saved.trusted_types, limits or ReadLimits())
    answer = _reader(os.getpid()).ask({**request, "expected": expected}, probe)
    if answer["state"] is None:
        raise _refused(saved, _failure(answer, limits or ReadLimits()), beyond=answer["failure"] in _BEYOND)
    if answer["state"] != expected:
        raise _refused(saved, _first_difference(state_trace(estimator), answer["trace"]))
    if probe is not None:
        _compare_predictions(saved, estimator, probe, answer["predictions"])
    return expected


def load_apart(path: Path, *, trusted_types: Sequence[str], limits: ReadLimits | None = None) -> LoadedState:
    """Load a model file in another process, and return the digest of its state.

    The caller has checked the file's digest against the record.
    """
    request = _request(path, trusted_types, limits or ReadLimits())
    answer = _reader(os.getpid()).ask({**request, "expected": None}, None)
    if answer["state"] is None:
        return LoadedState(digest=None, failure=_failure(answer, limits or ReadLimits()))
    return LoadedState(digest=answer["state"])


def start_reader() -> None:
    """Start the process that loads model files, if there is none: it imports libraries while this one goes on."""
    _reader(os.getpid()).start()


def keep_refused(estimator: object, saved: Path, into: Path) -> str:
    """Keep a trained model whose file was refused, so that its training is not lost; return in words what is where.

    Its pickle is for the person who trained it: nothing here ever loads one.

    Args:
        estimator: the trained model.
        saved: the folder of its model file, if there is one.
        into: the folder to keep both in, made when missing.
    """
    kept = []
    with contextlib.suppress(Exception):  # whatever an object raises that is taken apart, or a full disk
        make_folder(into, mode=0o700)
        replace_file(into / "model.pickle", pickle.dumps(estimator))
        kept.append("model.pickle")
    with contextlib.suppress(OSError):
        make_folder(into, mode=0o700)
        shutil.copyfile(saved / "model.skops", into / "model.skops")
        kept.append("model.skops")
    return f"the trained model is in {into} ({', '.join(kept)})" if kept else "it could not be pickled, either"


# The other process


class _Reader:
    """A `model_reader` that this process has started, for as long as this process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pid = 0

    def start(self) -> None:
        with self._lock:
            self._start()

    def ask(self, request: Mapping[str, object], probe: ProbeRows | None) -> Mapping[str, Any]:
        rows = pickle.dumps(probe.rows) if probe is not None else b""
        method = probe.method if probe is not None else None
        line = json.dumps({**request, "method": method, "rows": len(rows)}).encode()
        with self._lock:
            connection = self._start()
            with contextlib.suppress(OSError, ValueError):
                connection.sendall(line + b"\n" + rows)
                with connection.makefile("rb") as stream:
                    return dict(json.loads(stream.readline()))
            self._stop()
        raise ArtifactError(
            "the process that loads model files has ended", fix="look for what ends processes here: memory is short?"
        )

    def _start(self) -> socket.socket:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            code = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import lineage_pipelines.artifacts."
            code += "model_reader as reader; reader.serve()"
            quiet = [(os.POSIX_SPAWN_OPEN, handle, os.devnull, os.O_RDWR, 0) for handle in (1, 2)]
            with theirs:
                self._pid = os.posix_spawn(
                    sys.executable,
                    [sys.executable, "-c", code, json.dumps(sys.path)],
                    os.environ,
                    file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), *quiet],
                )
            self._connection = ours
            atexit.register(self._stop)
        return self._connection

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            with contextlib.suppress(ChildProcessError):  # of a process that this one was forked from
                os.waitpid(self._pid, 0)


@functools.lru_cache(maxsize=1)
def _reader(_process: int) -> _Reader:
    """Return the reader of this process; a fork of it has one of its own."""
    return _Reader()


def _request(path: Path, trusted_types: Sequence[str], limits: ReadLimits) -> Mapping[str, object]:
    return {
        "file": str(path.resolve()),
        "trusted_types": list(trusted_types),
        "path": sys.path,
        "folder": str(Path.cwd()),
        "seconds": limits.seconds,
        "bytes": limits.megabytes << 20,
    }


# What is wrong


def _failure(answer: Mapping[str, Any], limits: ReadLimits) -> str:
    if answer["failure"] == "time":
        return f"loading it takes more than {limits.seconds:,} seconds (read_back_seconds in [tool.lineage])"
    if answer["failure"] == "memory":
        return f"loading it takes more than {limits.megabytes:,} MB (read_back_megabytes in [tool.lineage])"
    if answer["failure"] == "crash":
        ended = answer["signal"]
        return f"it crashes the process that loads it ({signal.Signals(ended).name if ended else 'it just ends'})"
    return str(answer["error"])


def _first_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Name the innermost part that differs."""
    part = next((path for path, digest in ours.items() if theirs.get(path, digest) != digest), "")
    inner = [path for path in ours if path not in theirs and path.startswith((f"{part}.", f"{part}["))]
    lost = min((path for path in inner if not path.endswith(")")), key=len, default=None)
    if lost is not None:
        return f"{lost.lstrip('.')} does not come back"
    return f"{part.lstrip('.') or 'the whole'} comes back as something else"


def _compare_predictions(saved: SavedModel, estimator: object, probe: ProbeRows, theirs: Mapping[str, Any]) -> None:
    from lineage_pipelines.artifacts.model_reader import ask

    ours = ask(estimator, probe.method, probe.rows)
    if ours["digest"] == theirs["digest"] or _close(ours["numbers"], theirs["numbers"]):
        return
    if ask(estimator, probe.method, probe.rows)["digest"] != ours["digest"]:
        return  # drawn at random: no two calls agree
    raise _refused(saved, f"its {probe.method} of the same rows is another one")


def _close(ours: Sequence[float] | None, theirs: Sequence[float] | None) -> bool:
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    finite = [abs(one) for one in ours if math.isfinite(one)]
    allowed = _TOLERANCE * max(finite, default=0.0)
    pairs = zip(ours, theirs, strict=True)
    return all(one == other or abs(one - other) <= allowed or one != one != other for one, other in pairs)  # noqa: PLR0124


def _refused(saved: SavedModel, why: str, *, beyond: bool = False) -> ArtifactError:
    what = "cannot be compared with" if beyond else "does not come back as"
    return ArtifactError(
        f"the model file {what} the model that was trained: {why}",
        where=saved.estimator,
        fix="let it hold what skops brings back (texts, numbers, lists, arrays, scikit-learn's own), or store it as it "
        "is, which its record calls a gap: @model_asset(…, verify=False)",
    )
