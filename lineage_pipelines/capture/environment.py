"""Environment of a run: interpreter, platform, processor, threads, installed distributions, lock file."""

import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from lineage_pipelines.capture.gaps import Blobs, Gaps, plain_path
from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.capture.git.public_url import public_url
from lineage_pipelines.capture.recorder import describe_recorder
from lineage_pipelines.capture.secrets import secret_lines
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.phrase import some_of

_NAME = re.compile(r"^Name:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


def list_packages() -> tuple[bytes, int, Gaps]:
    """Return the list of installed distributions, how many lines it has, and what is not known.

    A line is `name==version`, the name as PEP 503 normalises it; lines are sorted. Where two distributions have one
    name, the one on the earlier entry of `sys.path` counts, as it does when it is imported. What did not come from
    an index has its origin behind ` @ `: a URL without credentials (with the commit, for Git), `editable`, or
    `local` for a path of this machine.
    """
    lines: dict[str, str] = {}
    unknown: list[str] = []
    for distribution in _installed():
        name, version = _identity(distribution)
        if name is None:
            unknown.append("one without a name")
        elif name not in lines:
            lines[name] = f"{name}=={version or 'unknown'}{_origin(distribution)}"
            unknown += [] if version else [name]
    text = "".join(f"{line}\n" for line in sorted(lines.values()))
    gaps = (f"environment.packages: no version of {some_of(sorted(unknown))}",) if unknown else ()
    return text.encode("utf-8", "backslashreplace"), len(lines), gaps


_TOP_LEVEL = re.compile(r"^([A-Za-z_]\w*)(?=/|\.(?:py|so|pyd|[^/,\n]*\.so|[^/,\n]*\.pyd),)", re.MULTILINE)
"""A top-level package or module in the list of a distribution's files."""


def imported_packages() -> bytes:
    """Return the names of the installed distributions that this process has imported, a line each, sorted.

    Call it after training: many libraries are imported only when they are used. Of distributions that share a
    namespace package all count. Not `importlib.metadata.packages_distributions`, which parses the metadata of all
    that is installed and takes most of a second.
    """
    imported = {name.partition(".")[0] for name in tuple(sys.modules)} - sys.stdlib_module_names
    using = (each for each in _installed() if not imported.isdisjoint(_top_level(each)))
    names = {name for name, _ in map(_identity, using) if name is not None}
    return "".join(f"{name}\n" for name in sorted(names)).encode("utf-8", "backslashreplace")


def _top_level(distribution: importlib.metadata.Distribution) -> Collection[str]:
    """The top-level packages and modules that a distribution declares, else those whose files it lists."""
    declared = (distribution.read_text("top_level.txt") or "").split()
    return declared or _TOP_LEVEL.findall(distribution.read_text("RECORD") or "")


def _installed() -> Iterator[importlib.metadata.Distribution]:
    """The distributions, without the `x.egg-info` that a build leaves in the sources: it is not what is installed."""
    for each in importlib.metadata.distributions():
        folder = Path(str(each.locate_file(""))).name
        built = each.read_text("SOURCES.txt") is not None and each.read_text("METADATA") is None
        if folder in ("site-packages", "dist-packages") or not built:
            yield each


def _identity(distribution: importlib.metadata.Distribution) -> tuple[str | None, str | None]:
    from packaging.utils import canonicalize_name

    # Not `distribution.metadata`: it parses all of the description, for hundreds of distributions.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or distribution.read_text("") or ""
    header = text.replace("\r\n", "\n").partition("\n\n")[0]
    name, version = _NAME.search(header), _VERSION.search(header)
    return canonicalize_name(name[1]) if name else None, version[1] if version else None


def _origin(distribution: importlib.metadata.Distribution) -> str:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "null")
        return f" @ {_describe(origin)}" if isinstance(origin, dict) else ""
    except (ValueError, TypeError, AttributeError, KeyError):
        return " @ unknown"


def _describe(origin: dict[str, dict[str, str]]) -> str:
    url = public_url(str(origin.get("url", "")))
    vcs = origin.get("vcs_info", {})
    if origin.get("dir_info", {}).get("editable"):
        return "editable"
    if url is None:
        return "local"
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url


LOCK_FILES = (
    "requirements.lock",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pixi.lock",
    "pylock.toml",
    "Pipfile.lock",
    "requirements.txt",
)
"""Looked for in this order, in the project's folder and then upwards to the repository's root."""


def capture_environment(*, project_dir: Path, lock: str | None = None) -> tuple[Environment, Blobs, Gaps]:
    """Return the environment of this process, its large parts, and what is missing.

    No value of an environment variable is read into it. `threads` is left empty: `read_threads` after training.

    Args:
        project_dir: any folder of the project.
        lock: the lock file that the project's settings name, relative to `project_dir`; looked for when None.
    """
    packages, count, package_gaps = list_packages()
    root = find_root(project_dir)
    lock_file, content, lock_gaps = _read_lock(Path(os.path.realpath(project_dir)), root, lock)
    blobs = {Digest.of(packages): packages}
    if content is not None and not secret_lines(content):
        blobs[Digest.of(content)] = content
    elif content is not None:
        lock_gaps = (*lock_gaps, f"environment.lock: {lock_file} withheld, it holds what looks like a secret")
    environment = Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        cpu=_cpu(),
        packages=Digest.of(packages),
        package_count=count,
        lock=Digest.of(content) if content is not None else None,
        lock_file=lock_file,
        recorder=describe_recorder(),
    )
    return environment, blobs, (*package_gaps, *lock_gaps)


def lock_gaps(*, project_dir: Path, lock: str | None = None) -> Gaps:
    """Return what a record would miss of the lock file now; empty where it is as it should be.

    Args:
        project_dir: any folder of the project.
        lock: as of `capture_environment`.
    """
    return _read_lock(Path(os.path.realpath(project_dir)), find_root(project_dir), lock)[2]


def _read_lock(folder: Path, root: Path, named: str | None) -> tuple[str | None, bytes | None, Gaps]:
    """The lock file's path relative to the root, and its bytes."""
    path = folder / named if named is not None else _find_lock(folder, root)
    if path is None:
        return None, None, ("environment.lock: no lock file",)
    name = plain_path(Path(os.path.relpath(os.path.realpath(path), root)).as_posix())
    name = path.name if name.startswith("..") else name
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, None, (f"environment.lock: {name} cannot be read ({error.strerror})",)
    hashless = path.name == "requirements.txt" and b"--hash=" not in content
    return name, content, (f"environment.lock: {name} pins no hashes",) if hashless else ()


def _find_lock(folder: Path, root: Path) -> Path | None:
    inside = [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]
    return next((each / name for each in inside for name in LOCK_FILES if (each / name).is_file()), None)


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model", "cpu model"):
                return value.strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def read_threads() -> dict[str, int]:
    """Return how many CPUs this process may use, and the size of each thread pool of its numerical libraries.

    Call it after training: a library has a pool only from when it is loaded, and many are loaded only when they are
    used. Before it, the first of two runs of one process would show fewer pools than the second.
    """
    try:
        counts = {"cpus": len(os.sched_getaffinity(0))}
    except AttributeError:  # not Linux
        counts = {"cpus": os.cpu_count() or 1}
    if "numpy" not in sys.modules:  # no pool can be loaded
        return counts
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
    except ImportError:
        return counts
    for pool in sorted(threadpool_info(), key=lambda pool: (pool["prefix"], pool["num_threads"])):
        name = pool["prefix"]
        again = sum(1 for known in counts if known.partition("#")[0] == name)
        counts[f"{name}#{again + 1}" if again else name] = int(pool["num_threads"])
    return counts
