"""MLmodel file: what a model folder of MLflow says of itself, read as text: nothing of it is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_pipelines.datasets.metafiles.yaml_reader import read_yaml
from lineage_pipelines.errors import DatasetError

SPEAKING = ("MLmodel", "python_env.yaml", "requirements.txt")
"""The files that are read."""
_MOST_BYTES = 1 << 20
_PINNED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([^\s;#,]+)")
_VERSION = re.compile(r"[0-9]+(\.[0-9a-z]+)*")
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model, in the words of its folder."""

    python: str | None = None
    """`3.11.7`."""
    loader: str | None = None
    """The module that loads it there: `mlflow.sklearn`."""
    requirements: tuple[str, ...] = ()
    """`name==version`, sorted, names as PEP 503 normalises them."""
    unpinned: int = 0
    """Lines of requirements.txt that name no version."""


def describe(files: Mapping[str, bytes]) -> Described:
    """Read what is known of a folder.

    Args:
        files: those of `SPEAKING` that there are, and their bytes.
    """
    model = _mapping(files, "MLmodel")
    function = _at(_at(model, "flavors"), "python_function")
    pinned, unpinned = _requirements(files.get("requirements.txt", b""))
    python = (function.get("python_version"), _mapping(files, "python_env.yaml").get("python"))
    return Described(
        python=next((str(each) for each in python if each and _VERSION.fullmatch(str(each))), None),
        loader=_module(function.get("loader_module")),
        requirements=pinned,
        unpinned=unpinned,
    )


def _mapping(files: Mapping[str, bytes], name: str) -> Mapping[str, Any]:
    data = files.get(name, b"")
    if len(data) > _MOST_BYTES:
        return {}
    try:
        value = read_yaml(data, file=name).value
    except DatasetError:
        return {}
    return value if isinstance(value, dict) else {}


def _at(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _module(name: object) -> str | None:
    return name if isinstance(name, str) and _MODULE.fullmatch(name) else None


def _requirements(data: bytes) -> tuple[tuple[str, ...], int]:
    from packaging.utils import canonicalize_name

    lines = data[:_MOST_BYTES].decode("utf-8", "replace").splitlines()
    wanted = [line for line in lines if line.strip() and not line.strip().startswith(("#", "-"))]
    found = [_PINNED.match(line) for line in wanted]
    names = {f"{canonicalize_name(each[1])}=={each[2]}" for each in found if each}
    return tuple(sorted(names)), sum(each is None for each in found)
