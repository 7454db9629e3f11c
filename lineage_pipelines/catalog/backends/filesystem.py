"""Filesystem: the kind of disk that a file is on, and the processes that lock it. Known on Linux only."""

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

_NETWORK = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|fuse\.(sshfs|s3fs|gcsfuse|rclone)|ceph|lustre|glusterfs")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")
_LOCKS = Path("/proc/locks")


def network_disk(path: Path, mounts: str | None = None) -> str | None:
    """Return the kind of network disk that a path is on (`nfs4`), None if on another disk.

    Args:
        path: absolute; it need not exist.
        mounts: the system's mounts as in proc(5), `mountinfo`; read from the system by default.
    """
    if mounts is None:
        with contextlib.suppress(OSError):
            mounts = _MOUNTS.read_text()
    found = [(point, kind) for point, kind in _parsed(mounts or "") if path.is_relative_to(point)]
    kind = max(found, key=lambda mount: len(mount[0].parts), default=(path, ""))[1]
    return kind if _NETWORK.fullmatch(kind) else None


def _parsed(mounts: str) -> Iterable[tuple[Path, str]]:
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and after:  # noqa: PLR2004  # id, parent, device, root, mount point
            point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
            yield Path(point), after.split()[0]


def lock_holders(path: Path) -> tuple[int, ...]:
    """Return the processes, other than this one, that hold a write lock on a file, by proc(5), `locks`."""
    try:
        inode, lines = path.stat().st_ino, _LOCKS.read_text().splitlines()
    except OSError:
        return ()
    holders = set()
    for fields in map(str.split, lines):
        # 1: POSIX  ADVISORY  WRITE 4711 08:01:131 120 120; a line with an arrow waits
        if len(fields) > 5 and fields[3] == "WRITE" and fields[5].rpartition(":")[2] == str(inode):  # noqa: PLR2004
            holders.add(int(fields[4]))
    return tuple(sorted(holders - {os.getpid()}))
