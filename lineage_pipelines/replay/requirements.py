"""The recorded list of libraries as requirements that an installer takes, with the hashes of the lock file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage_pipelines.queries.graph.holders import plain_name

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha(?:256|384|512):[0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One library as the record lists it."""

    name: str
    version: str
    origin: str = ""
    """Where it came from if not from an index: a URL, `editable`, `local`."""
    hashes: tuple[str, ...] = ()
    """`sha256:…` of its files, as the lock file has them."""

    @property
    def line(self) -> str:
        """The requirement as installers read it."""
        if "://" in self.origin:
            return f"{self.name} @ {self.origin}"
        return f"{self.name}=={self.version}"

    @property
    def is_own(self) -> bool:
        """Whether it was installed from a folder: the project itself, most often."""
        return self.origin in ("editable", "local")


def parse_packages(text: str, lock: str | None) -> tuple[Requirement, ...]:
    """Read a recorded list, `name==version` lines with an origin behind ` @ `.

    Args:
        text: the list.
        lock: the lock file, where it is known; the formats without hashes by line give none.
    """
    hashes = parse_hashes(lock) if lock else {}
    found = []
    for line in text.splitlines():
        pin, _, origin = line.partition(" @ ")
        name, _, version = pin.partition("==")
        if name:
            known = hashes.get((plain_name(name), version), ())
            found.append(Requirement(name=name, version=version, origin=origin, hashes=tuple(known)))
    return tuple(found)


def parse_hashes(lock: str) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return the hashes of each pinned version in a lock file of pip's format (`--hash=sha256:…`)."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lock.replace("\\\n", " ").splitlines():
        pinned = _PINNED.match(line.strip())
        if pinned:
            found[plain_name(pinned[1]), pinned[2]] = _HASH.findall(line)
    return {key: values for key, values in found.items() if values}


def write_requirements(requirements: Sequence[Requirement]) -> str:
    """Return a requirements file; with hashes where they are known."""
    return "".join(" ".join((each.line, *(f"--hash={value}" for value in each.hashes))) + "\n" for each in requirements)
