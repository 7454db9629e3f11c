"""Faults below Python and SQLite: the n-th call that changes a file fails, or the process dies in it.

`interposer.c` is compiled when it is first needed and loaded with LD_PRELOAD, so a process that wants it starts itself
again: `under_interposer` first, `Faults` after that. A C compiler is needed.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

KILL = -1
"""Instead of an error number: the process is killed in the call."""
_SOURCE = Path(__file__).with_name("interposer.c")
_LOADED = "LINEAGE_TESTS_INTERPOSER"


def under_interposer(module: str, arguments: list[str]) -> None:
    """Go on only in a process that has the interposer; otherwise run the module in one, and end with its exit code."""
    if os.environ.get(_LOADED):
        return
    with tempfile.TemporaryDirectory() as folder:
        library = _compile(Path(folder))
        env = os.environ | {"LD_PRELOAD": str(library), _LOADED: "1"}
        sys.exit(subprocess.run([sys.executable, "-m", module, *arguments], env=env, check=False).returncode)


def _compile(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("a C compiler is needed for faults below SQLite: apt-get install gcc libc6-dev")
    library = folder / "interposer.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


@dataclass(frozen=True)
class Fault:
    """What happens at which call."""

    at: int = 0
    """The number of the call, from 1; 0 for none."""
    code: int = 0
    """An error number, or `KILL`."""
    lasting: bool = False
    """Whether every later call fails as well."""


class Faults:
    """The interposer of this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.faults_seen.restype = ctypes.c_long

    def arm(self, folder: Path, fault: Fault, *, log: int = -1) -> None:
        """Count from now on the calls that change something below `folder`, and let one fail.

        Args:
            folder: absolute.
            fault: what happens.
            log: a descriptor to which every call is written, a line each.
        """
        path = os.fsencode(folder)
        self._library.faults_arm(path, ctypes.c_long(fault.at), fault.code, int(fault.lasting), log)

    def fired(self) -> bool:
        """Say whether the call was reached."""
        return bool(self._library.faults_fired())

    def slow_sync(self, seconds: float) -> None:
        """Let every fsync take longer."""
        self._library.faults_slow_sync(ctypes.c_long(round(seconds * 1e6)))

    def shift_clock(self, seconds: int) -> None:
        """Set the clock of this process ahead, or behind."""
        self._library.faults_shift_clock(ctypes.c_long(seconds))
