"""Model reader: a process that loads model files for another one, each in a fork that may crash or grow without harm.

The process imports the libraries once and never computes with them, since their threads would not survive a fork. It
reads requests from a socket, which is its standard input, and ends with the process at the other end.
"""

import contextlib
import json
import os
import pickle
import resource
import select
import signal
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20
_MORE = 1 << 26
_MAX_NUMBERS = 100_000

Answer = dict[str, Any]


def serve() -> None:
    """Answer requests from standard input until the other side closes it.

    A request is a line of JSON and the pickle of rows, which come from the process that asks, never from a file:
    `file` and `trusted_types` as of `load_model_file`; `expected`, the state digest that is expected, or null; `method`
    to call with the rows, or null; the length of `rows`; `path` and `folder`, from which modules are imported; and the
    limits `seconds` and `bytes`. An answer is a line of JSON.
    """
    import skops.io  # noqa: F401  # with it all of scikit-learn

    warnings.simplefilter("ignore")
    with socket.socket(fileno=os.dup(0)) as connection, connection.makefile("rwb") as stream:
        for line in stream:
            request = json.loads(line)
            rows = stream.read(request["rows"])
            answer = _answer_apart(request, rows, connection)
            if answer is None:
                return
            stream.write(json.dumps(answer).encode() + b"\n")
            stream.flush()


def _answer_apart(request: Mapping[str, Any], rows: bytes, connection: socket.socket) -> Answer | None:
    """Return the answer of a fork of this process; None if the process that asked is gone."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        _become_child(request, rows, connection, sink)
    os.close(sink)
    try:
        text = _read_until(source, connection, time.monotonic() + request["seconds"])
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if isinstance(text, str):
        return None if text == "gone" else {"state": None, "failure": text}
    with contextlib.suppress(ValueError):  # nothing, or a part: it crashed
        return dict(json.loads(text))
    code = os.waitstatus_to_exitcode(status)
    return {"state": None, "failure": "crash", "signal": -code if code < 0 else 0}


def _read_until(source: int, connection: socket.socket, end: float) -> bytes | str:
    """Return what is written until the writer closes it; "time" if it takes longer, "gone" if nobody waits for it."""
    blocks: list[bytes] = []
    while True:
        ready, _, _ = select.select([source, connection.fileno()], [], [], max(0.0, end - time.monotonic()))
        if connection.fileno() in ready:
            return "gone"
        if not ready:
            return "time"
        block = os.read(source, _BLOCK)
        if not block:
            return b"".join(blocks)
        blocks.append(block)


def _become_child(request: Mapping[str, Any], rows: bytes, connection: socket.socket, sink: int) -> None:
    try:
        connection.close()
        quiet = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(quiet, handle)
        limit = request["bytes"]
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answer = _answer(request, rows)
        with os.fdopen(sink, "wb") as file:
            file.write(json.dumps(answer).encode())
    finally:
        os._exit(0)


def _answer(request: Mapping[str, Any], rows: bytes) -> Answer:
    try:
        bytearray(_MORE)  # the limit holds for what is asked of the system, and a small model may fit into what is free
        sys.path[:] = request["path"]
        with contextlib.suppress(OSError):
            os.chdir(request["folder"])
        return _read(request, rows)
    except MemoryError:
        return {"state": None, "failure": "memory"}
    except BaseException as error:  # noqa: BLE001  # whatever the model's own code raises
        return {"state": None, "failure": "error", "error": f"{type(error).__name__}: {error}"}


def _read(request: Mapping[str, Any], rows: bytes) -> Answer:
    from lineage_pipelines.artifacts.model_file import load_model_file
    from lineage_pipelines.artifacts.object_state import state_digest, state_trace
    from lineage_pipelines.errors import ArtifactError

    try:
        model = load_model_file(Path(request["file"]), trusted_types=request["trusted_types"])
    except ArtifactError as error:
        return {"state": None, "failure": "error", "error": error.what}
    answer: Answer = {"state": state_digest(model)}
    if request["expected"] not in (None, answer["state"]):
        return {**answer, "trace": state_trace(model)}
    if request["method"] is not None:
        answer["predictions"] = ask(model, request["method"], pickle.loads(rows))  # noqa: S301  # from our own parent
    return answer


def ask(model: object, method: str, rows: object) -> Answer:
    """Return the digest of a model's predictions, and where they are floating-point numbers these as well."""
    import numpy as np

    from lineage_pipelines.artifacts.object_state import state_digest

    found = np.asarray(getattr(model, method)(rows))
    numbers = found.ravel().tolist() if found.dtype.kind == "f" and found.size <= _MAX_NUMBERS else None
    return {"digest": state_digest(found), "numbers": numbers}
