"""Git command: every call of Git, with a fixed configuration, bounded time and output, and errors in one sentence.

`run_git` reads. Its answers depend on the repository only, not on the user's configuration or on the variables of a Git
hook that this process was started from, and it runs no program that the repository's own configuration names, since a
checkout may come from anyone: no hooks, no file system monitor, no external diff, no filter, no signature program, and
nothing that reaches the network. `change_git` commits and pushes, with the user's hooks, filters and credentials.
"""

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
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "gpg.program=false", "-c", "gpg.ssh.program=false", "-c", "gpg.x509.program=false"),
    *("-c", "core.safecrlf=false"),
    *("-c", "color.ui=false"),
    *("-c", "color.diff=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "diff.suppressBlankEmpty=false"),
)
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
"""A partial clone fetches missing objects, over the transport and with the programs that its configuration names."""
_UNFILTERED = ("cat-file", "check-attr", "config", "init", "log", "ls-files", "ls-tree", "rev-list", "rev-parse")
"""Verbs that compare and write no files of the work tree, and so run no filters."""
_COMPARING = ("diff", "diff-files", "diff-index", "diff-tree", "log", "show")
_FILTER_SETTINGS = {"clean": "", "smudge": "", "process": "", "required": "false"}
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
    """Run Git in a folder, with none of the programs that the repository names, and return what it printed.

    Args:
        root: the folder.
        arguments: the verb and its arguments.
        stdin: its standard input.
        env: environment variables to add.
        limit: bytes of output that are accepted.
        timeout: seconds.

    Raises:
        GitError: Git is not installed, failed, took too long or printed more than `limit`.
    """
    verb = _verb(arguments)
    if verb in _COMPARING:
        at = list(arguments).index(verb) + 1
        arguments = [*arguments[:at], "--no-ext-diff", "--no-textconv", *arguments[at:]]
    settings = {} if verb in _UNFILTERED else _own_filters(root)
    settled = {**_environment(), "LC_ALL": "C", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0", **_OFFLINE}
    settled.update(_with_settings(settings, settled))
    settled.update(env or {})
    return _answer(root, [*_OPTIONS, *arguments], settled, stdin=stdin, limit=limit, timeout=timeout)


def change_git(root: Path, arguments: Sequence[str], *, timeout: float = _TIMEOUT) -> bytes:
    """Run Git as the user would, to commit or to push: with hooks, filters and credentials; return what it printed.

    Args:
        root: a folder of the user's own repository.
        arguments: the verb and its arguments.
        timeout: seconds.

    Raises:
        GitError: as `run_git`.
    """
    return _answer(root, arguments, _environment(), stdin=b"", limit=_MAX_OUTPUT, timeout=timeout)


def foreign_filters(root: Path) -> frozenset[str]:
    """Return the names of the filters that only the repository's own configuration sets; `run_git` does not run them.

    Raises:
        GitError: as `run_git`.
    """
    settings = _own_filters(root)
    names = {key.removeprefix("filter.").rpartition(".")[0] for key in settings}
    return frozenset(name for name in names if not settings[f"filter.{name}.clean"])


def _own_filters(root: Path) -> Mapping[str, str]:
    """Return the settings that make each filter of the repository's own configuration what the machine's says of it."""
    listed = os.fsdecode(run_git(root, ["config", "--list", "--null", "--show-scope"])).split("\0")
    machine: dict[str, str] = {}
    names: dict[str, None] = {}
    for scope, setting in zip(listed[::2], listed[1::2], strict=False):
        key, _, value = setting.partition("\n")
        if not key.startswith("filter."):
            continue
        if scope in ("local", "worktree"):
            names[key.removeprefix("filter.").rpartition(".")[0]] = None
        else:
            machine[key] = value
    keys = ((f"filter.{name}.{variable}", off) for name in names for variable, off in _FILTER_SETTINGS.items())
    return {key: machine.get(key, off) for key, off in keys}


def _with_settings(settings: Mapping[str, str], env: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables that set these, after those that the environment sets already."""
    if not settings:
        return {}
    given = env.get("GIT_CONFIG_COUNT", "")
    start = int(given) if given.isdigit() else 0
    variables = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (key, value) in enumerate(settings.items(), start):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _verb(arguments: Sequence[str]) -> str:
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _answer(
    root: Path, arguments: Sequence[str], env: Mapping[str, str], *, stdin: bytes, limit: int, timeout: float
) -> bytes:
    verb = _verb(arguments)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                ["git", *arguments],
                cwd=root,
                env=env,
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
        stderr = errors.read(64 * 1024).decode("utf-8", "replace")
    if timed_out:
        raise GitError(f"git {verb} took longer than {timeout:g} s")
    if len(output) > limit:
        raise GitError(f"git {verb} gave more than {limit // 1024**2} MB")
    if process.returncode != 0:
        raise GitError(_reason(verb, process.returncode, stderr))
    return output


def read_blobs(root: Path, names: Sequence[str], *, limit: int = _MAX_OUTPUT) -> list[bytes | None]:
    """Return the contents of files in Git, read by one process.

    Args:
        root: any folder of the repository.
        names: as Git names objects: `<object id>`, `<revision>:<path from the top>`, `<revision>:./<path from root>`.
        limit: bytes of output that are accepted.

    Returns:
        For each name, the content; None if there is no such object or it is not a file.

    Raises:
        GitError: as `run_git`, or the output cannot be understood.
    """
    # Git reads one name a line, so that a path with a line break cannot be asked for.
    known = [name for name in names if "\n" not in name]
    stdin = "".join(f"{name}\n" for name in known).encode("utf-8", "surrogateescape")
    output = run_git(root, ["cat-file", "--batch"], stdin=stdin, limit=limit) if known else b""
    contents: dict[str, bytes | None] = dict.fromkeys(names)
    start = 0
    for name in known:
        end = output.find(b"\n", start)
        if end < 0:
            raise GitError("git cat-file gave fewer answers than questions")
        _, _, head = output[start:end].partition(b" ")  # `<object id> <kind> <size>`, or `<name> missing`
        kind, _, size = head.rpartition(b" ")
        start = end + 1
        if size.isdigit():
            contents[name] = output[start : start + int(size)] if kind == b"blob" else None
            start += int(size) + 1
    return [contents[name] for name in names]


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


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _INHERITED.split() and not name.startswith("GIT_TRACE")
    }


def _reason(verb: str, code: int, stderr: str) -> str:
    if "dubious ownership" in stderr:
        return "Git refuses the folder because another user owns it (git config --global --add safe.directory …)"
    if "not a git repository" in stderr:
        return "no Git repository"
    if "must be run in a work tree" in stderr:
        return "the Git repository is bare"
    first = next((line for line in stderr.splitlines() if line.startswith(("fatal:", "error:"))), f"exit code {code}")
    # A path of this machine has no business in a record.
    return f"git {verb} failed: {_ABSOLUTE.sub('…', first)}"
