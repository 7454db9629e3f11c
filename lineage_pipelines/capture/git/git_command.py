"""One `git` process: fixed configuration, bounded time and output, errors as one sentence fit for a gap."""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_TIMEOUT = 60.0
"""Seconds; a status of a cold work tree on a network disk is slow, a hanging one must not stop training."""
_MAX_OUTPUT = 256 * 1024 * 1024
# `git rev-parse --local-env-vars`, without the three by which a machine is configured (safe.directory in CI).
_INHERITED = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_OBJECT_DIRECTORY GIT_DIR GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE "
    "GIT_GRAFT_FILE GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE GIT_PREFIX GIT_SHALLOW_FILE "
    "GIT_COMMON_DIR GIT_NAMESPACE GIT_CEILING_DIRECTORIES GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_LITERAL_PATHSPECS "
    "GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS"
)
_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    *("-c", "core.quotePath=true"),
    *("-c", "core.fsmonitor=false"),  # a hook of the repository's own; capture runs no code of it
    *("-c", "core.safecrlf=false"),
    *("-c", "diff.suppressBlankEmpty=false"),
)
_ABSOLUTE = re.compile(r"(?<![\w.])/[^\s:']*")


class GitError(Exception):
    """Git could not answer; the text says why, fit for a gap."""


def run_git(
    root: Path,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    limit: int = _MAX_OUTPUT,
    timeout: float = _TIMEOUT,
) -> bytes:
    """Run Git in `root` and return what it printed.

    Args:
        root: the work tree.
        arguments: the verb and its arguments.
        stdin: what it reads.
        env: variables beside the inherited ones.
        limit: bytes of output that are accepted.
        timeout: seconds.

    Raises:
        GitError: Git is not installed, failed, took too long or printed more than `limit`.
    """
    command = ["git", *_OPTIONS, *arguments]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=_environment(env or {}),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise GitError("git is not installed" if root.is_dir() else "the folder is gone") from None
        except OSError as error:
            raise GitError(f"git cannot be run: {error.strerror}") from error
        output, timed_out = _collect(process, limit, timeout)
        errors.seek(0)
        said = errors.read(64 * 1024).decode("utf-8", "replace")
    if timed_out:
        raise GitError(f"git {arguments[0]} took longer than {timeout:g} s")
    if len(output) > limit:
        raise GitError(f"git {arguments[0]} gave more than {limit // 1024**2} MB")
    if process.returncode != 0:
        raise GitError(_reason(arguments[0], process.returncode, said))
    return output


def _collect(process: "subprocess.Popen[bytes]", limit: int, timeout: float) -> tuple[bytes, bool]:
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(timeout, give_up)
    timer.start()
    try:
        with process:
            output = process.stdout.read(limit + 1) if process.stdout else b""
            if len(output) > limit:
                _kill(process)
    except BaseException:
        _kill(process)
        raise
    finally:
        timer.cancel()
    return output, late.is_set()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    # The group: a filter that Git started would hold the pipe open.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _INHERITED.split() and not name.startswith("GIT_TRACE")
    }
    return (
        inherited | {"LC_ALL": "C", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"} | dict(more)
    )


def _reason(verb: str, code: int, said: str) -> str:
    if "dubious ownership" in said:
        return "Git refuses the folder because another user owns it (git config --global --add safe.directory …)"
    if "not a git repository" in said:
        return "no Git repository"
    if "must be run in a work tree" in said:
        return "the Git repository is bare"
    first = next((line for line in said.splitlines() if line.startswith(("fatal:", "error:"))), f"exit code {code}")
    # A path of this machine has no business in a record.
    return f"git {verb} failed: {_ABSOLUTE.sub('…', first)}"
