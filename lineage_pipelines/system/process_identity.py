"""Process identity: a name for this process, from which another one can tell later whether it is still alive.

A process id alone is not enough: ids are used again, and machines are started again. With the boot, the namespace that
the id counts in and the moment at which the process began, it is.
"""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SAME_SECONDS = 2
"""What the two clocks that `_start` takes apart may have moved meanwhile."""


def host_name() -> str:
    """Return the name of this machine, or container."""
    return socket.gethostname()


def process_name() -> str:
    """Return a name for this process: boot and namespace, process id, and its start in clock ticks after the boot."""
    pid = os.getpid()
    return f"{_realm()} {pid} {_start(pid) or ''}"


def is_alive(host: str, process: str) -> bool | None:
    """Return whether a process is alive; None when that cannot be known from here.

    Args:
        host: what `host_name` returned there.
        process: what `process_name` returned there.
    """
    realm, _, rest = process.partition(" ")
    pid, _, start = rest.partition(" ")
    if host != host_name() or realm != _realm() or not pid.isdigit():
        return None
    now = _start(int(pid))
    if now is None or not start.isdigit():
        return now is not None
    return abs(now - int(start)) <= _SAME_SECONDS * _ticks()


def _realm() -> str:
    try:
        return f"{_BOOT.read_text().strip()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return "-"


def _start(pid: int) -> int | None:
    """Return when a process began, in clock ticks after the boot; None when it has ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Both are moved when the clock is set; their difference is not.
        ticks: int = round((process.create_time() - psutil.boot_time()) * _ticks())
    except psutil.NoSuchProcess:
        return None
    return ticks


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")
