"""Names of models, of their partitions and aliases: a model's is safe as a path, a URL segment and a shell word."""

import re
import unicodedata

from lineage_pipelines.errors import RecordError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


def check_model_name(name: str) -> str:
    """Return `name` when it is a model name.

    A model name is 1 to 128 of `a-z 0-9 . _ -`, begins with a letter or digit, and holds no `..`, no trailing dot.

    Raises:
        RecordError: it is not; the message suggests one that is.
    """
    if _NAME.fullmatch(name) and ".." not in name and not name.endswith("."):
        return name
    raise RecordError(
        f"not a model name: {name[:140]!r}",
        fix=f"use lower-case letters, digits, '_', '-' and '.'; for example {suggest_model_name(name)!r}",
    )


def suggest_model_name(name: str) -> str:
    """Return a model name that is like `name`; several names come to one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_.-")
    return words[:128] or "my_model"


_LONGEST_IDENTITY = 200


def check_identity(identity: str) -> str:
    """Return the identity of a partition: 1 to 200 visible characters, the key of a static or dynamic dimension.

    Raises:
        RecordError: it is empty, too long, or holds what cannot be seen.
    """
    if identity.isprintable() and 0 < len(identity) <= _LONGEST_IDENTITY:
        return identity
    raise RecordError(
        f"not a key that a partition of a model can have: {ascii(identity)[:80]}",
        fix=f"use keys of 1 to {_LONGEST_IDENTITY} visible characters",
    )


def scoped(name: str, identity: str | None) -> str:
    """Return the name of a model or an alias of one partition, `flight_delay[west]`; without an identity, `name`."""
    return name if identity is None else f"{name}[{identity}]"


def split_scoped(text: str) -> tuple[str, str | None]:
    """Return the name and the identity in what `scoped` returned: names of models and aliases hold no bracket."""
    name, bracket, rest = text.partition("[")
    return (name, rest[:-1]) if bracket and rest.endswith("]") and len(rest) > 1 else (text, None)


PRODUCTION = "production"
"""The alias of what is live."""
_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def check_alias(alias: str) -> str:
    """Return the name of an alias.

    Raises:
        RecordError: it is not a valid alias name.
    """
    if not _ALIAS.fullmatch(alias):
        raise RecordError(f"not an alias: {alias[:40]!r}", fix="write a word in small letters: production, staging")
    return alias


_MISLEADING = re.compile(r"latest|newest|v[0-9]+")


def check_new_alias(alias: str) -> str:
    """Return the name of an alias that is to name a version.

    Raises:
        RecordError: it is not a valid alias name, or one that reads like something else: `model@latest`, `model@v3`.
    """
    if _MISLEADING.fullmatch(check_alias(alias)):
        raise RecordError(
            f"an alias that would be taken for a version: {alias!r}",
            fix="write what the version is for: production, staging; the latest version is the model's name alone",
        )
    return alias
