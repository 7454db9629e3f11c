"""Environments: a Python with the recorded libraries; this one when it is equal, a cached one, or a new one."""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.environment import list_packages
from lineage_pipelines.errors import ArtifactError, LineageError, PurgedError
from lineage_pipelines.queries.graph.subject import plain_name
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.replay.confinement import confine
from lineage_pipelines.system.file_lock import hold_lock
from lineage_pipelines.system.user_cache import user_cache

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_ORIGINS = ("", "editable", "local")
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
        return f"{self.name}=={self.version}"

    @property
    def is_plain(self) -> bool:
        """Whether it is a name and a version: no option of an installer, and no address."""
        return bool(_NAME.fullmatch(self.name) and _VERSION.fullmatch(self.version)) and self.origin in _ORIGINS

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
    """Return a requirements file; with hashes where they are known.

    Raises:
        EnvironmentGoneError: one is not a name and a version.
    """
    odd = next((each for each in requirements if not each.is_plain), None)
    if odd is not None:
        raise _not_plain(f"{odd.line} @ {odd.origin}" if odd.origin else odd.line)
    return "".join(" ".join((each.line, *(f"--hash={value}" for value in each.hashes))) + "\n" for each in requirements)


_READY = "ready"
"""A file that is written last: an environment without it was not finished."""
_PYTHON = Path("bin", "python")
_FIRST = 3
_SHOWN = 600
_TIMEOUT = 3600.0


class EnvironmentGoneError(LineageError):
    """The recorded environment cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python to run a training with."""

    python: Path
    origin: str
    """`this environment`, `built before`, `built now`, `this environment instead`."""
    differs: tuple[str, ...] = ()
    """In what it is not the recorded one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How environments are built."""

    build: bool = True
    """Whether to build one that is not there; else only what is there is used."""
    wheels: Path | None = None
    """A folder of wheels that is looked in first."""
    index: bool = True
    """Whether what is in no folder may be asked of the package index that the installer is set up with."""
    kept: Path | None = None
    """Where built environments are kept; the user's cache folder by default."""
    tell: Callable[[str], None] = lambda _: None

    def place(self, environment: Environment) -> Path:
        """Return the folder of a built environment."""
        python = environment.python.replace(" ", "-").lower()
        return (self.kept or cache_folder()) / f"{python}-{environment.packages.hex[:32]}"


def cache_folder() -> Path:
    """Return where built environments are kept: `$XDG_CACHE_HOME/lineage-pipelines/environments`."""
    return user_cache() / "environments"


def is_current(environment: Environment) -> bool:
    """Say whether this very process runs in an environment equal to the recorded one, Python included."""
    return Digest.of(list_packages()[0]) == environment.packages and environment.python == this_python()


def this_python() -> str:
    """Return this interpreter as records name it: `CPython 3.11.7`."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def find_interpreter(
    environment: Environment, artifacts: ArtifactStore, *, own: Path, building: Building
) -> Interpreter:
    """Return a Python with exactly the recorded libraries.

    Args:
        environment: what the record says.
        artifacts: the store of package lists and lock files.
        own: the project in the sandbox, for distributions that were installed from a folder.
        building: how one is built.

    Raises:
        EnvironmentGoneError: it cannot be had; the message says which library is gone, or which Python.
    """
    if is_current(environment):
        return Interpreter(python=Path(sys.executable), origin="this environment")
    folder = building.place(environment)
    if _is_ready(folder):
        return Interpreter(python=folder / _PYTHON, origin="built before")
    if not building.build:
        what = f"the environment is another one ({in_words(differences(environment, artifacts))}), and none was built"
        raise EnvironmentGoneError(what, fix="lineage reproduce without --check builds it")
    requirements = _requirements(environment, artifacts)
    python = _find_python(environment.python)
    with _held(folder):
        if not _is_ready(folder):  # another process may have built it meanwhile
            building.tell(f"building an environment of {len(requirements):,} libraries, once")
            _build(folder, python, requirements, own, building)
    return Interpreter(python=folder / _PYTHON, origin="built now")


def this_instead(environment: Environment, artifacts: ArtifactStore) -> Interpreter:
    """Return this Python, whatever the record says, and in what it differs."""
    return Interpreter(
        python=Path(sys.executable),
        origin="this environment instead",
        differs=differences(environment, artifacts),
    )


def differences(environment: Environment, artifacts: ArtifactStore, now: str | None = None) -> tuple[str, ...]:
    """Return in what the recorded environment differs from another one: `scikit-learn 1.9.1 instead of 1.9.0`.

    Args:
        environment: the recorded one.
        artifacts: the store of package lists.
        now: the other one's list; this process's by default.
    """
    found = [] if environment.python == this_python() else [f"{this_python()} instead of {environment.python}"]
    try:
        recorded = artifacts.read(environment.packages).decode("utf-8", "replace")
    except PurgedError as error:
        return (*found, f"the recorded list of libraries was {error.what}")
    except ArtifactError:
        return (*found, "the recorded list of libraries is gone")
    before = {each.name: each.version for each in parse_packages(recorded, None)}
    after = {each.name: each.version for each in parse_packages(now or list_packages()[0].decode(), None)}
    found += [
        f"{name} {after.get(name, 'absent')} instead of {before.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    return tuple(found)


def in_words(found: Sequence[str]) -> str:
    """Return the first of several differences, and how many more there are."""
    more = f", and {len(found) - _FIRST:,} more" if len(found) > _FIRST else ""
    return ", ".join(found[:_FIRST]) + more


# Building


def _requirements(environment: Environment, artifacts: ArtifactStore) -> tuple[Requirement, ...]:
    try:
        listed = artifacts.read(environment.packages).decode("utf-8", "replace")
    except ArtifactError as error:
        raise EnvironmentGoneError(
            f"the recorded list of libraries is gone: {error.what}", where=error.where
        ) from error
    odd = [line for line in listed.splitlines() if line.strip() and not _is_plain(line)]
    if odd:
        raise _not_plain(odd[0])
    lock = None
    if environment.lock is not None:
        with contextlib.suppress(ArtifactError):  # without it the versions are known, and their hashes are not
            lock = artifacts.read(environment.lock).decode("utf-8", "replace")
    return parse_packages(listed, lock)


def _not_plain(line: str) -> EnvironmentGoneError:
    return EnvironmentGoneError(
        f"the recorded list has a line that is not a name and a version, and is not installed: {line[:200]}",
        fix="install that library yourself, and use this environment instead: --environment current",
    )


def _is_plain(line: str) -> bool:
    return all(each.is_plain for each in parse_packages(line, None) or (Requirement(name="", version=""),))


def _find_python(recorded: str) -> Path:
    """Return an interpreter of the recorded release.

    Raises:
        EnvironmentGoneError: there is none on this machine.
    """
    if recorded == this_python():
        return Path(sys.executable)
    name = "pypy" if recorded.startswith("PyPy") else "python"
    minor = ".".join(recorded.rpartition(" ")[2].split(".")[:2])
    asked = "import platform as p; print(p.python_implementation(), p.python_version())"
    for command in (f"{name}{minor}", f"{name}3"):
        path = shutil.which(command)
        if path and _output([path, "-c", asked]) == recorded:
            return Path(path)
    raise EnvironmentGoneError(
        f"{recorded} is not on this machine",
        fix=f"install it so that {name}{minor} is on the PATH, or use this environment instead: --environment current",
    )


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()


def _is_ready(folder: Path) -> bool:
    return (folder / _READY).is_file() and (folder / _PYTHON).exists()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder.with_suffix(".lock")):
        yield


def _build(folder: Path, python: Path, requirements: Sequence[Requirement], own: Path, building: Building) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    installer = _installer(folder / _PYTHON, building)
    _run([*_venv(python), str(folder)], "make the environment")
    others = [each for each in requirements if not each.is_own]
    hashed = [each for each in others if each.hashes]
    plain = [each for each in others if not each.hashes]
    for some, options in ((hashed, ["--require-hashes"]), (plain, [])):
        if some:
            path = folder / "requirements.txt"
            path.write_text(write_requirements(some), encoding="utf-8")
            command = [*installer, "--no-deps", "--only-binary", ":all:", *options, "--requirement", str(path)]
            _run(command, "install the recorded libraries")
    for each in requirements:
        if each.is_own:
            if not _is_project(own, each.name):
                raise EnvironmentGoneError(
                    f"{each.name} {each.version} was installed from a folder, and it is not this project",
                    fix="use this environment instead: --environment current",
                )
            editable = ["--editable"] if each.origin == "editable" else []
            command = [*installer, "--no-deps", "--no-build-isolation", "--no-index", *editable, str(own)]
            _run(_confined(command, folder, own), f"install {each.name}")  # it runs code of the project
    (folder / _READY).write_text("", encoding="utf-8")


def _confined(command: Sequence[str], folder: Path, own: Path) -> Sequence[str]:
    """Return a command that runs without the network and writes to the environment and the sandbox's project only."""
    programs = [Path(command[0]).parent, Path(sys.prefix)]
    return confine(
        command, python=folder / _PYTHON, writable=[folder, own], readable=[*programs, Path(sys.base_prefix)], cwd=own
    )


def _is_project(own: Path, name: str) -> bool:
    try:
        document = tomllib.loads((own / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return plain_name(str(document.get("project", {}).get("name", ""))) == name


def _uv() -> str | None:
    return shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))


def _venv(python: Path) -> list[str]:
    uv = _uv()
    if uv is not None:
        return [uv, "venv", "--quiet", "--no-project", "--python", str(python)]
    return [str(python), "-m", "venv", "--without-pip"]


def _installer(python: Path, building: Building) -> list[str]:
    uv = _uv()
    words = (
        [uv, "pip", "install", "--quiet", "--python", str(python)]
        if uv is not None
        else [
            *(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"),
            *("--python", str(python), "install"),
        ]
    )
    if building.wheels is not None:
        words += ["--find-links", str(building.wheels.resolve())]
    return words if building.index else [*words, "--no-index"]


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if done.returncode:
        output = " ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise EnvironmentGoneError(
            f"could not {what}: {output[-_SHOWN:]}",
            fix="keep the wheels of what is installed (--wheels FOLDER), or use this environment instead: "
            "--environment current",
        )
