"""Confinement of past code by bubblewrap: a read-only system, a home and `/tmp` of its own, no network, no keys.

Nothing of the machine is there but what is named here: programs and libraries, the interpreter, the sandbox's folder,
in which the copies of the data are read-only, and the objects of the project's repository, from which the commit is
checked out. The project itself, its DVC cache and remotes, the catalog, its keys and the user's home are not there.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
"""This library, which may be installed in place."""
HOME = "/home/lineage"
"""The home folder within, empty at the start."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/sys")
_CONFIGURATION = (
    *("alternatives", "fonts", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types"),
    *("nsswitch.conf", "OpenCL", "os-release", "passwd", "timezone"),
)
"""Below `/etc`, where there are secrets, too: hashes of passwords, keys of the host."""
_GPUS = ("nvidia*", "dri", "kfd", "dxg")
_PROBE = ("--ro-bind", "/", "/", "--unshare-all", "true")


def find_bubblewrap() -> str | None:
    """Return the path of bubblewrap where it is installed and works; None where past code would run unconfined."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    try:
        done = subprocess.run([program, *_PROBE], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if done.returncode == 0 else None


def confine(
    command: Sequence[str],
    *,
    python: Path,
    writable: Sequence[Path],
    readable: Sequence[Path] = (),
    fixed: Sequence[Path] = (),
    cwd: Path,
) -> list[str]:
    """Return a command that runs another one confined; the command itself where there is no bubblewrap.

    Args:
        command: the program and its arguments.
        python: the interpreter that it runs, perhaps of a virtual environment.
        writable: folders that it may write to.
        readable: folders and files that it may read beside the system and the interpreter.
        fixed: folders within the writable ones that it may only read.
        cwd: the folder that it starts in.
    """
    program = find_bubblewrap()
    if program is None:
        return list(command)
    words = [program, "--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    for name in (*_SYSTEM, *(f"/etc/{name}" for name in _CONFIGURATION)):
        words += ["--ro-bind-try", name, name]
    for pattern in _GPUS:
        for device in sorted(Path("/dev").glob(pattern)):
            words += ["--dev-bind-try", str(device), str(device)]
    words += ["--tmpfs", "/tmp", "--tmpfs", HOME]  # noqa: S108  # of its own
    for path in dict.fromkeys((*_of_interpreter(python), *readable)):
        words += ["--ro-bind-try", str(path), str(path)]
    for path in writable:
        words += ["--bind", str(path), str(path)]
    for path in fixed:
        words += ["--ro-bind-try", str(path), str(path)]
    return [*words, "--chdir", str(cwd), "--", *command]


def repository_objects(tree: Path) -> list[Path]:
    """Return the folders of Git objects that a checkout borrows from other repositories."""
    listed = tree / ".git" / "objects" / "info" / "alternates"
    return [Path(os.fsdecode(line)) for line in listed.read_bytes().splitlines()] if listed.is_file() else []


def _of_interpreter(python: Path) -> Iterator[Path]:
    """Yield the folders that an interpreter reads: its environment's, its own, and those installed in place."""
    environment = Path(os.path.abspath(python)).parent.parent  # noqa: PTH100  # the link is the environment's
    base = Path(os.path.realpath(python)).parent.parent
    yield from (path for path in (environment, base) if len(path.parts) > 2)  # noqa: PLR2004  # not `/` nor `/usr`
    for file in environment.glob("lib/python*/site-packages/*.pth"):
        lines = (line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
        yield from (Path(line) for line in lines if line.startswith("/") and not _holds_secrets(Path(line)))
    yield _PACKAGE


def _holds_secrets(folder: Path) -> bool:
    """Whether a folder is a project, whose keys and data lie in it, or one that the user's home is below."""
    marks = (".lineage", ".dvc", ".git", ".ssh")
    return any((folder / mark).exists() for mark in marks) or Path.home().is_relative_to(folder)
