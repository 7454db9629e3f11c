"""Params of a stage: its section of params.yaml, read into its settings class, strictly."""

from pathlib import Path
from typing import TypeVar, get_type_hints

from lineage_pipelines import DatasetError

Settings = TypeVar("Settings")


def read_params(path: Path, section: str, kind: type[Settings]) -> Settings:
    """Return the section as an instance of the dataclass `kind`.

    Raises:
        DatasetError: the file or section is missing, or its keys or types are not those of `kind`.
    """
    import yaml

    where = f"{path}: {section}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise DatasetError(f"the parameters cannot be read: {error}", where=str(path)) from error
    values = content.get(section) if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise DatasetError("the section is missing", where=where, fix=f"git checkout {path}")
    expected = get_type_hints(kind)
    if differ := set(values) ^ set(expected):
        raise DatasetError(f"missing or unknown: {', '.join(sorted(map(str, differ)))}", where=where)
    for name, value in values.items():
        if type(value) is not (getattr(expected[name], "__origin__", None) or expected[name]):
            raise DatasetError(f"{name} has another type than expected: {value!r}", where=where)
    return kind(**values)
