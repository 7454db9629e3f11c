"""Recorder: this library itself, which is a library of the environment and no part of the code that it records.

The rule: everything in the directory that the package `lineage_pipelines` was imported from is the recorder, whether it
was installed, is linked, or lies in the same repository as the model. Only the worked pipeline beside it, which no
installed copy has, is a project's code like any other.
"""

import functools
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from lineage_pipelines.capture.tool_caches import is_tool_cache
from lineage_pipelines.records.statement.environment import Recorder
from lineage_pipelines.records.values.digest import Digest, sha256sum_lines

NAME = "lineage-pipelines"
"""Of the distribution."""
_PACKAGE = sys.modules[__name__.partition(".")[0]]  # imported by name, the whole public face would be a dependency
_WORKED_PIPELINE = ("flights", "definitions.py")


def recorder_folder() -> str:
    """Return the directory that `lineage_pipelines` was imported from, absolute, links resolved."""
    return os.path.dirname(os.path.realpath(str(_PACKAGE.__file__)))  # noqa: PTH120


def is_recorder_file(path: str, folder: str) -> bool:
    """Return whether a file is part of this library.

    Args:
        path: absolute, links resolved.
        folder: `recorder_folder()`.
    """
    inside = path.removeprefix(folder + os.sep)
    return inside != path and inside.split(os.sep, 1)[0] not in _WORKED_PIPELINE


@functools.cache
def describe_recorder() -> Recorder:
    """Return what a record says of this library: its version, and the digest of its files when it is first asked for.

    The digest is that of a folder in the record format, over all files of the recorder but tool caches.
    """
    folder = recorder_folder()
    files = [(name, hashlib.sha256(Path(folder, name).read_bytes()).hexdigest()) for name in _file_names(folder)]
    return Recorder(name=NAME, version=_PACKAGE.__version__, source=Digest.of(sha256sum_lines(files)))


def _file_names(folder: str) -> Iterator[str]:
    for current, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_tool_cache(name)]
        for name in names:
            path = f"{current}{os.sep}{name}"
            if not is_tool_cache(name) and is_recorder_file(path, folder):
                yield os.path.relpath(path, folder).replace(os.sep, "/")
