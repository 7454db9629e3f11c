"""Process identity: lets another process find out later whether this one is still alive.

A process id alone does not tell: ids are used again, and machines are started again. With the boot, the namespace that
the id counts in, and the moment at which the process began (proc(5), field 22 of `stat`), it does.
"""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def host_name() -> str:
    """Return the name of this machine, or container."""
    return socket.gethostname()


def process_name() -> str:
    """Return what names this process as long as its machine runs: where ids count, the id, and when it began."""
    pid = os.getpid()
    return f"{_realm()} {pid} {_begun(pid) or ''}"


def is_alive(host: str, process: str) -> bool | None:
    """Say whether a process lives; None when that cannot be told from here.

    Args:
        host: what `host_name` said there.
        process: what `process_name` said there.
    """
    realm, _, rest = process.partition(" ")
    pid, _, begun = rest.partition(" ")
    if host != host_name() or realm != _realm() or not pid.isdigit():
        return None
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is somebody else's, and alive
    return not begun or _begun(int(pid)) == begun


def _realm() -> str:
    try:
        return f"{_BOOT.read_text().strip()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return "-"


def _begun(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state == "Z" else fields[18]
