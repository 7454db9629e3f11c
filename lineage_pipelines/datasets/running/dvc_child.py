"""DVC child: the process in which DVC runs a stage. Started by path (child_process.py), never imported.

It is `python -m dvc` with two differences: the project's folder is not on the import path, so a `yaml.py` there does no
harm; and when its parent exits or is killed, it ends with its whole process group, so that no training continues
unnoticed.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    lifeline, lock = int(sys.argv[1]), int(sys.argv[2])
    # The workspace stays locked as long as this process lives, and not as long as a daemon that DVC forks off.
    os.register_at_fork(after_in_child=lambda: os.close(lock))
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    sys.argv = ["dvc", *sys.argv[3:]]
    runpy.run_module("dvc", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
