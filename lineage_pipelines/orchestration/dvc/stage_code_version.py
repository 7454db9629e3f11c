"""Code version of a stage: what decides its output besides the data that DVC tracks.

Its command, the dependencies that DVC does not track (scripts, by content) and the values of its parameters. Not the
commit, for a commit would mark every asset as out of date.
"""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lineage_pipelines.capture.tool_caches import is_tool_cache
from lineage_pipelines.datasets.pipeline.pipeline_graph import ParamsDependency, Stage

_MAX_FILES = 500
_MAX_BYTES = 1 << 20
_LOADERS: dict[str, Callable[[bytes], Any]] = {
    ".yaml": lambda data: yaml.load(data, yaml.CSafeLoader),  # a safe loader, in C
    ".yml": lambda data: yaml.load(data, yaml.CSafeLoader),
    ".json": json.loads,
    ".toml": lambda data: tomllib.loads(data.decode()),
}


def stage_code_version(root: Path, stage: Stage) -> str:
    """Return a short digest of a stage's command, scripts and parameter values.

    The same on every machine. Files that are missing count as missing; nothing here raises.
    """
    digest = hashlib.sha256(stage.command.encode())
    for dependency in stage.deps:
        if not dependency.producers and not dependency.external:
            for line in _content_lines(root, dependency.path):
                digest.update(line.encode())
    for params in stage.params:
        digest.update(_params_line(root, params).encode())
    return digest.hexdigest()[:16]


def _content_lines(root: Path, name: str) -> Iterator[str]:
    path = root / name
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and not is_tool_cache(p.relative_to(path).as_posix()))
        for file in files[:_MAX_FILES]:
            yield _content_line(root, file)
    else:
        yield _content_line(root, path)


def _content_line(root: Path, path: Path) -> str:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    try:
        size = path.stat().st_size
        # Large files are untracked data, not code; at load time their size must be enough.
        content = hashlib.sha256(path.read_bytes()).hexdigest() if size <= _MAX_BYTES else f"{size} bytes"
    except OSError:
        content = "missing"
    return f"{content}  {name}\n"


def read_parameters(root: Path, params: ParamsDependency) -> Mapping[str, Any] | None:
    """Return the values of the parameters that a stage reads from a file, as dvc.lock would record them.

    None where the file cannot be read.
    """
    path = root / params.file
    loader = _LOADERS.get(path.suffix.lower())
    if loader is None:
        return None
    try:
        values = loader(path.read_bytes())
        if not params.keys:
            return values if isinstance(values, Mapping) else None
        return {key: _lookup(values, key) for key in params.keys}
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None


def _params_line(root: Path, params: ParamsDependency) -> str:
    chosen = read_parameters(root, params) if params.keys else None
    try:
        if chosen is not None:
            return json.dumps({params.file: chosen}, sort_keys=True, default=str) + "\n"
    except (TypeError, RecursionError):
        pass
    # Unreadable, or not JSON, such as a mapping whose keys are numbers and text: any edit may matter.
    return _content_line(root, root / params.file)


def _lookup(values: object, dotted: str) -> object:
    for part in dotted.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return values
