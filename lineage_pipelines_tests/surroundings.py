"""The surroundings of the tests: what a machine and its user have set is replaced, so that no test depends on it.

Git and DVC read no configuration but ours, and temporary files lie in no other project. Locale, time zone, user and
the writing of bytecode stay as they are: the tests pass with any.
"""

import os
import sys
import tempfile
from pathlib import Path

GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.invalid",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.invalid",
    "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")),
    "GIT_CONFIG_SYSTEM": os.devnull,
}
"""For Git in made-up projects: an identity, and neither hooks, signing nor ignored names of the machine."""
_NOWHERE = str(Path(__file__).with_name("no-dvc-config"))
_OURS = {
    "GIT_CONFIG_GLOBAL": GIT["GIT_CONFIG_GLOBAL"],
    "GIT_CONFIG_SYSTEM": GIT["GIT_CONFIG_SYSTEM"],
    "DVC_GLOBAL_CONFIG_DIR": _NOWHERE,
    "DVC_SYSTEM_CONFIG_DIR": _NOWHERE,
    "DVC_NO_ANALYTICS": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # The workers are as many as the cores: more threads take longer for the same.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_TREE = str(Path(__file__).parents[1])
_NETWORK = ("GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_")
_OTHERS = ("DAGSTER_", "DVC_", "GIT_", "LINEAGE_", "MLFLOW_", "PG")
_TERMINAL = ("CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHONPATH", "PYTHONWARNINGS")
_MARKERS = (".git", ".dvc", ".lineage", "pyproject.toml")


def replace() -> None:
    """Replace what this process and its children would inherit.

    Raises:
        RuntimeError: every folder for temporary files lies in some project.
    """
    for name in list(os.environ):
        foreign = name in _TERMINAL or (name.startswith(_OTHERS) and not name.startswith(_NETWORK))
        if foreign and (name, os.environ[name]) != ("PYTHONPATH", _TREE):  # set by mutants.py
            del os.environ[name]
    os.environ.update(_OURS)
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    # As in an activated environment: a Debian has no `python` of its own, and stages say `python train.py`.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ["TMPDIR"] = tempfile.tempdir = _temporary_folder()


def _temporary_folder() -> str:
    """A project around a folder is found from within it: a test of a folder without one needs a place that has none."""
    folders = [tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"]
    for folder in map(Path, folders):
        around = (folder.resolve(), *folder.resolve().parents)
        if os.access(folder, os.W_OK) and not any((each / name).exists() for each in around for name in _MARKERS):
            return str(folder)
    raise RuntimeError(f"{', '.join(folders)} lie in projects: set TMPDIR to a folder that lies in none")
