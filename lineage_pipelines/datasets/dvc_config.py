"""DVC configuration of a project, read without opening the project, which would write to DVC's site cache."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lineage_pipelines.datasets.metafiles.problems import RefusedError
from lineage_pipelines.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class DvcSettings:
    """Where a project stores its data."""

    cache_dir: str
    """Absolute."""
    remote: str | None
    """The name of the default remote."""
    url: str | None
    """The URL of that remote, references to other remotes resolved; None if its configuration is incomplete."""


def read_settings(root: Path) -> DvcSettings:
    """Read the configuration of a project.

    Raises:
        DatasetError: DVC cannot read it.
    """
    from dvc.config import Config, ConfigError

    try:
        config = Config(dvc_dir=str(root / ".dvc"))
    except (ConfigError, OSError) as error:
        raise bad_config(root, error) from error
    cache, remote = config["cache"], config["core"].get("remote")
    local = _remote_url(config, cache["local"]) if "local" in cache else cache.get("dir")
    return DvcSettings(
        cache_dir=os.path.join(root, ".dvc", local or "cache"),  # noqa: PTH118  # text, as DVC has it
        remote=None if remote is None else str(remote),
        url=None if remote is None else _remote_url(config, str(remote)),
    )


def _remote_url(config: Any, name: str) -> str | None:  # noqa: ANN401  # DVC ships no types
    from dvc.fs import get_fs_config

    with suppress(RefusedError, KeyError):
        return str(ask(partial(get_fs_config, config, name=name))["url"])
    return None


def edit_local_config(root: Path, values: Mapping[str, Mapping[str, str]]) -> None:
    """Set options in a project's `.dvc/config.local`; other options are preserved.

    Raises:
        DatasetError: DVC cannot read the configuration, or it cannot be written.
    """
    from dvc.config import Config, ConfigError

    try:
        with Config(dvc_dir=str(root / ".dvc"), validate=False).edit("local") as config:
            for section, options in values.items():
                config.setdefault(section, {}).update(options)
    except (ConfigError, OSError) as error:
        raise bad_config(root, error) from error


def bad_config(root: Path, error: Exception) -> DatasetError:
    """Make the error for a configuration that cannot be read."""
    fix = "correct .dvc/config, .dvc/config.local or your global DVC configuration"
    return DatasetError(f"DVC cannot read its configuration: {error}", where=str(root), fix=fix)


def ask(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Call DVC on input that may be invalid, for which it raises errors of many types.

    Raises:
        RefusedError: DVC raised any exception.
    """
    try:
        return call()
    except Exception as error:  # any error here is about the input
        text = str(error).strip() or type(error).__name__
        raise RefusedError(text) from error
