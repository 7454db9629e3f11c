"""Tool caches: the files that interpreters and tools leave in a project, which are never code."""

import re

_CACHE = re.compile(
    r"__pycache__|.*\.py[co]|.*\.egg-info|\.eggs"
    r"|\.(?:pytest|mypy|ruff|import_linter)_cache|\.dmypy\.json|\.pytype|\.pyre|\.hypothesis|\.tox|\.nox"
    r"|\.coverage(?:\..+)?|\.ipynb_checkpoints|\.tmp_dagster_home.*",
    re.DOTALL,
)


def is_tool_cache(path: str) -> bool:
    """Whether a path is, or lies in, what tools write for themselves: `__pycache__`, `.pytest_cache`, `x.egg-info`.

    Args:
        path: relative to the project, with slashes.
    """
    return any(_CACHE.fullmatch(part) for part in path.split("/"))
