"""Settings: where this project keeps its catalog and its files, resolved once and passed as arguments.

One order everywhere: argument (a flag) > environment > `[tool.lineage]` in pyproject.toml > default. Standard library
only, so that `lineage --help` and loading a code location stay cheap.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_pipelines.errors import CatalogError

DEFAULT_CATALOG = "sqlite:///.lineage/catalog.db"
DEFAULT_ARTIFACTS = ".lineage/artifacts"
DEFAULT_KEYS = ".lineage/keys"
SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql+psycopg://", "postgresql://")

_TYPES: Mapping[str, type] = {
    "catalog": str,
    "artifacts": str,
    "keys": str,
    "require_clean": bool,
    "lock": str,
    "log": list,
    "witnesses": list,
    "mlflow": str,
    "dagster_url": str,
    "trusted_types": list,
    "read_back_seconds": int,
    "read_back_megabytes": int,
}
_EXPECTED = {str: "text", bool: "true or false", int: "a whole number above 0", list: "a list of texts"}
MLFLOW = "mlflow"
"""The destination of deliveries to MLflow."""
_MARKERS = (".lineage", ".dvc", ".git")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a project, with absolute paths."""

    project_dir: Path
    """The folder of the nearest pyproject.toml upwards, else of `.lineage`, `.dvc` or `.git`, else the start."""
    catalog: str
    """`sqlite:///` and an absolute path, or `postgresql+psycopg://` and a server; it may hold a password."""
    artifacts: str
    """A folder, or a URL that fsspec can open."""
    keys: Path
    """The folder of the keys that sign what is committed."""
    require_clean: bool = False
    """Whether a model is refused when the work tree differs from its commit."""
    lock: str | None = None
    """The lock file of the environment, relative to `project_dir`; None to look for the usual names."""
    mlflow: str | None = None
    """The MLflow server or store that mirrors the catalog, `http://…` or `sqlite:///…`; it may hold a password."""
    dagster_url: str | None = None
    """Where Dagster's web pages are, for links from elsewhere: `http://localhost:3000`."""
    read_back_seconds: int = 600
    """How long a model file may take to be loaded when it is read back after it was saved."""
    read_back_megabytes: int = 16_384
    """How much memory it may take."""
    log: tuple[str, ...] = ()
    """The identities of the project's log, and of logs that it gave up: the leaf hash of a log's first entry, hex."""
    witnesses: tuple[str, ...] = ()
    """The folders outside the project that keep checkpoints of its log, relative ones to `project_dir`."""
    trusted_types: tuple[str, ...] = ()
    """Qualified names of types that model files may hold beyond those of scikit-learn, NumPy and SciPy."""

    @property
    def mirrors(self) -> tuple[str, ...]:
        """The systems to be sent every version, decision and approval."""
        return (MLFLOW,) if self.mlflow else ()


def resolve_settings(
    *, catalog: str | None = None, artifacts: str | None = None, start: Path | None = None
) -> Settings:
    """Return the settings of the project around `start`.

    Args:
        catalog: the catalog to use; overrides every other source.
        artifacts: the artifact store to use, likewise.
        start: a folder of the project; the current one by default.

    Raises:
        CatalogError: pyproject.toml cannot be read, or holds a setting that is unknown or of the wrong type.
    """
    project_dir = _project_dir((start or _here()).resolve())
    table = _read_settings(project_dir)
    return Settings(
        project_dir=project_dir,
        catalog=_absolute_url(
            catalog or os.environ.get("LINEAGE_CATALOG") or table.get("catalog") or DEFAULT_CATALOG, project_dir
        ),
        artifacts=_absolute_store(
            artifacts or os.environ.get("LINEAGE_ARTIFACTS") or table.get("artifacts") or DEFAULT_ARTIFACTS,
            project_dir,
        ),
        keys=project_dir / (os.environ.get("LINEAGE_KEYS") or table.get("keys") or DEFAULT_KEYS),
        require_clean=bool(table.get("require_clean", False)),
        lock=table.get("lock"),
        mlflow=_mlflow(table, project_dir),
        dagster_url=os.environ.get("LINEAGE_DAGSTER_URL") or table.get("dagster_url") or None,
        log=tuple(table.get("log", ())),
        witnesses=tuple(table.get("witnesses", ())),
        trusted_types=tuple(table.get("trusted_types", ())),
        **{name: table[name] for name in ("read_back_seconds", "read_back_megabytes") if name in table},
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        what = f"the current folder no longer exists ({type(error).__name__})"
        raise CatalogError(what, fix="change to an existing folder: cd …") from error


def _project_dir(start: Path) -> Path:
    folders = (start, *start.parents)
    for folder in folders:
        if (folder / "pyproject.toml").is_file():
            return folder
    for folder in folders:
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
    return start


def _read_settings(project_dir: Path) -> Mapping[str, Any]:
    table = read_table(project_dir)
    for name, value in table.items():
        _check_setting(name, value, project_dir / "pyproject.toml")
    return {name: value for name, value in table.items() if name in _TYPES}


def read_table(project_dir: Path, *names: str) -> Mapping[str, Any]:
    """Return a table below `[tool.lineage]` of the project's pyproject.toml; empty if there is no such table or file.

    Args:
        project_dir: the folder of pyproject.toml.
        names: the table below `[tool.lineage]`, as `"promotion", "production"`; that table itself by default.

    Raises:
        CatalogError: the file cannot be read, or the name is not that of a table.
    """
    import tomllib  # not needed where there is no pyproject.toml

    path = project_dir / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CatalogError(f"the settings cannot be read: {error}", where=str(path), fix="correct the file") from error
    tool = table.get("tool", {})
    table = tool if isinstance(tool, dict) else {}
    way = "tool"
    for name in ("lineage", *names):
        table, way = table.get(name, {}), f"{way}.{name}"
        if not isinstance(table, dict):
            raise CatalogError("the settings are not a table", where=str(path), fix=f"write them below [{way}]")
    return table


def _check_setting(name: str, value: object, path: Path) -> None:
    # Tables below [tool.lineage] are checked by their own readers. A misspelt setting must not be ignored:
    # `require_claen = true` would allow what it was written to refuse.
    known = ", ".join(sorted(_TYPES))
    if name not in _TYPES and not isinstance(value, dict):
        raise CatalogError(f"unknown setting {name!r}", where=f"{path} [tool.lineage]", fix=f"use one of: {known}")
    if name in _TYPES and not _is_valid(value, _TYPES[name]):
        expected = _EXPECTED[_TYPES[name]]
        what, where = f"the setting {name!r} is not {expected}", f"{path} [tool.lineage]"
        raise CatalogError(what, where=where, fix=f"write {name} as {expected}")


def _is_valid(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if isinstance(value, list):
        return kind is list and all(isinstance(each, str) for each in value)
    return isinstance(value, kind)


def _mlflow(table: Mapping[str, Any], project_dir: Path) -> str | None:
    # A file that the environment names is relative to the current folder, as MLflow itself takes it.
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return _absolute_url(uri, _here())
    return _absolute_url(table["mlflow"], project_dir) if table.get("mlflow") else None


def _absolute_url(url: str, base: Path) -> str:
    if not url.startswith(SQLITE):
        return url
    path = url.removeprefix(SQLITE)
    return SQLITE + str(base / path) if path not in ("", ":memory:") else url


def _absolute_store(url: str, base: Path) -> str:
    return url if "://" in url else str(base / url)
