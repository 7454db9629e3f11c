"""Which columns came, went, or have another type or name."""

from collections.abc import Mapping, Sequence

from lineage_pipelines.queries.diff.changes import Kind, SchemaChange
from lineage_pipelines.queries.diff.profiles import Profile
from lineage_pipelines.records import Column

_NAMES = ("name", "type", "content")
_TELLING = 5
"""Distinct values from which equal facts of two columns are no chance, where `content` was not recorded."""
_WHOLE = 16
"""Digits of `content` that tell one column among thousands."""


def compare_schemas(
    before: Sequence[Column], after: Sequence[Column], profiles: tuple[Profile | None, Profile | None]
) -> tuple[tuple[SchemaChange, ...], Mapping[str, str]]:
    """Return what differs, and of the columns that are in both: name after to name before."""
    old, new = ({column.name: column for column in reversed(columns)} for columns in (before, after))
    dropped, added = [name for name in old if name not in new], [name for name in new if name not in old]
    renamed = _renamed(sorted(dropped), sorted(added), profiles)
    changes = [
        *(
            SchemaChange(kind=Kind.REMOVED, column=name, before=old[name])
            for name in dropped
            if name not in renamed.values()
        ),
        *(SchemaChange(kind=Kind.ADDED, column=name, after=new[name]) for name in added if name not in renamed),
        *(
            SchemaChange(kind=Kind.CHANGED, column=name, before=old[was], after=new[name], renamed_from=was)
            for name, was in renamed.items()
        ),
        *(
            SchemaChange(kind=Kind.CHANGED, column=name, before=old[name], after=column)
            for name, column in new.items()
            if name in old and old[name].type != column.type
        ),
    ]
    same = {name: name for name in new if name in old}
    return tuple(sorted(changes, key=lambda change: (change.kind.value, change.column))), {**same, **renamed}


def _renamed(
    dropped: Sequence[str], added: Sequence[str], profiles: tuple[Profile | None, Profile | None]
) -> dict[str, str]:
    """Pair a column that went with the one that came with the same content, where there is one of each."""
    if profiles[0] is None or profiles[1] is None or not dropped or not added:
        return {}
    went, came = _by_content(dropped, profiles[0]), _by_content(added, profiles[1])
    return {
        names[0]: went[content][0]
        for content, names in came.items()
        if len(names) == 1 and len(went.get(content, ())) == 1
    }


def _by_content(names: Sequence[str], profile: Profile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        content = _content(profile, name)
        if content is not None:
            found.setdefault(content, []).append(name)
    return found


def _content(profile: Profile, name: str) -> str | None:
    """What identifies a column's values: their digest, or everything that a profile of version 1 says of them."""
    facts = profile.columns.get(name)
    if facts is None or not facts.get("distinct"):
        return None  # a column without values is like any other
    content = facts.get("content")
    if content and len(content) >= _WHOLE:
        return str(content[:_WHOLE])
    told = facts.get("distinct", 0) >= _TELLING and ("quantiles" in facts or "values" in facts)
    rest = {fact: value for fact, value in facts.items() if fact not in _NAMES}
    return f"{profile.rows} {sorted(rest.items())}" if told else None
