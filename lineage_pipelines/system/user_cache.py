"""User cache: the user's own folder for what can be computed again."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Return `$XDG_CACHE_HOME/lineage-pipelines`, by default below `~/.cache`.

    Raises:
        RuntimeError: the user has no home folder.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (configured if configured.is_absolute() else Path.home() / ".cache") / "lineage-pipelines"
