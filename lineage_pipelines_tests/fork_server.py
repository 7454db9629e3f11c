"""A server that has the command line loaded and forks for each command: a process of its own, without the imports.

What depends on how Python starts (locale, time zone, options of the interpreter) is no case for it.
"""

import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LOADED = (
    "lineage_pipelines.cli",
    "lineage_pipelines.catalog",
    "lineage_pipelines.queries",
    "lineage_pipelines.reports",
)
_LIBRARIES = ("sqlalchemy.dialects.sqlite", "cryptography.hazmat.primitives.asymmetric.ed25519", "rich.console")

Done = subprocess.CompletedProcess[str]


def run(words: Sequence[str | bytes], *, cwd: Path, env: Mapping[str, str], seconds: float) -> Done:
    """Run `lineage` with these words in a folder.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        request = {
            "words": [os.fsdecode(word) for word in words],
            "cwd": str(cwd),
            "env": dict(env),
            "files": [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (out, err)],
        }
        server.stdin.write(json.dumps(request).encode() + b"\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], seconds)[0]:
            server.kill()
            _server.cache_clear()
            raise subprocess.TimeoutExpired(["lineage", *words], seconds)
        code = int(server.stdout.readline())
        return Done(["lineage", *map(os.fsdecode, words)], code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="backslashreplace").replace("\r\n", "\n")


@functools.cache
def _server() -> "subprocess.Popen[bytes]":
    """Start the server; it ends when this process does."""
    return subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def serve() -> int:
    """Answer each request, a line of JSON, with the exit code of the command."""
    for room in _LOADED:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    for library in _LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # children share what is loaded, and do not look through it
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    while line := requests.readline():
        child = os.fork()
        if not child:
            return _become(json.loads(line))
        answers.write(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        answers.flush()
    return 0


def _become(request: dict[str, object]) -> int:
    from lineage_pipelines.cli import main

    words, environment, files = request["words"], request["env"], request["files"]
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    assert isinstance(files, list)
    for number, name in enumerate([os.devnull, *files]):
        opened = os.open(name, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["lineage", *words]
    return main()


if __name__ == "__main__":
    sys.exit(serve())
