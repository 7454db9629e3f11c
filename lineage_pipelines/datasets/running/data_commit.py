"""Data commit: `dvc add` of what was delivered, a commit of the files in which data is recorded, and their push.

Git runs as the user would run it: with the hooks, filters and credentials of the account. Only the files that are named
are committed; what else is staged stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineage_pipelines.datasets.pipeline.metafile_index import lock_file
from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage
from lineage_pipelines.datasets.running.child_process import Child, Deadline
from lineage_pipelines.datasets.running.stage_run import workspace_lock
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.git_command import GitError, change_git, run_git

_AUTHOR = re.compile(r"(?P<name>[^<>\n]*[^<>\s]) <(?P<mail>[^<>\s]+@[^<>\s]+)>")
_GIT_SECONDS = 600.0
"""Hooks of the user run along."""
_LAST_LINES = 10


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits: a bot, for example."""

    name: str
    mail: str

    @classmethod
    def parse(cls, text: str) -> "Author":
        """Read `Deliveries <deliveries@example.org>`.

        Raises:
            DatasetError: it is not of this form.
        """
        found = _AUTHOR.fullmatch(text)
        if found is None:
            fix = 'write a name and an address: "Deliveries <deliveries@example.org>"'
            raise DatasetError(f"{text!r} names no author of a commit", fix=fix)
        return cls(found["name"], found["mail"])


def add_data(root: Path, targets: Sequence[str], *, on_line: Callable[[str], None]) -> None:
    """Run `dvc add` for some paths, relative to the root; other work in the workspace is waited for.

    Raises:
        DatasetError: DVC refused it, with its own last lines.
    """
    _run_dvc(root, ["add", "--", *targets], on_line=on_line)


def push_data(root: Path, *, on_line: Callable[[str], None]) -> None:
    """Push DVC's data to its default remote, then the commits of the branch to where it is pushed.

    Raises:
        DatasetError: DVC or Git refused it.
    """
    _run_dvc(root, ["push"], on_line=on_line)
    _change(root, ["push"])


def _run_dvc(root: Path, arguments: Sequence[str], *, on_line: Callable[[str], None]) -> None:
    deadline = Deadline(None, f"dvc {arguments[0]}")
    said: list[str] = []
    with (
        workspace_lock(root, f"dvc {arguments[0]}", on_line=on_line, deadline=deadline) as lock,
        Child(["--wait-for-lock", *arguments], cwd=root, lock=lock) as child,
    ):
        for line in child.lines(deadline):
            said.append(line)
            on_line(line)
        code = child.wait(deadline)
    if code != 0:
        last = "\n".join(f"    {line}" for line in said[-_LAST_LINES:] if line)
        what = f"dvc {arguments[0]} ended with exit code {code}\n{last}"
        raise DatasetError(what, where=str(root), fix=f"run it manually: dvc {' '.join(arguments)}")


def commit_files(root: Path, paths: Iterable[str], message: str, *, author: Author | None = None) -> str | None:
    """Commit those of some files that differ from the revision, and nothing else.

    Args:
        root: the folder that they are relative to.
        paths: the files; what is not there, or is ignored, is left out.
        message: the subject of the commit.
        author: who commits; the account's own configuration by default.

    Returns:
        The commit; None where there is nothing to commit, or no Git repository.

    Raises:
        DatasetError: Git, or a hook of the user, refused it.
    """
    existing = [path for path in dict.fromkeys(paths) if (root / path).is_file()]
    try:
        status = run_git(root, ["status", "--porcelain", "-z", "--", *existing]) if existing else b""
    except GitError as error:
        if str(error) == "no Git repository":
            return None
        raise DatasetError(f"it cannot be committed: {error}", where=str(root)) from error
    if not status:
        return None
    changed = [path for path in existing if run_git(root, ["status", "--porcelain", "-z", "--", path])]
    identity = [] if author is None else ["-c", f"user.name={author.name}", "-c", f"user.email={author.mail}"]
    _change(root, ["add", "--", *changed])
    _change(root, [*identity, "commit", "--quiet", "--message", message, "--", *changed])
    return run_git(root, ["rev-parse", "HEAD"]).decode().strip()


def _change(root: Path, arguments: Sequence[str]) -> None:
    try:
        change_git(root, arguments, timeout=_GIT_SECONDS)
    except GitError as error:
        shown = "git " + " ".join(word for word in arguments if word != "-c" and not word.startswith("user."))
        raise DatasetError(str(error), where=str(root), fix=f"run it manually: {shown}") from error


def delivery_files(targets: Iterable[str]) -> list[str]:
    """Return the files in which `dvc add` records some paths."""
    return [name for path in targets for name in (f"{path}.dvc", _ignore_file(path))]


def stage_files(stage: Stage) -> list[str]:
    """Return the files that a run of a stage writes and Git keeps."""
    kept = [output.path for output in stage.outs if not output.cache]
    return [lock_file(stage.file), *kept, *(_ignore_file(output.path) for output in stage.outs)]


def _ignore_file(path: str) -> str:
    return str(PurePosixPath(path).with_name(".gitignore"))
