"""Source checkout: the source code of a past run as files, from Git and the recorded patch, else from stored sources.

The commit is checked out of the project's own object store by a repository in the sandbox (`objects/info/alternates`),
not by `git worktree`: that would write to the project's `.git`, and leave it there when the process is killed.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.errors import ArtifactError, PurgedError
from lineage_pipelines.records.statement.code import CodeVersion, SourceFile
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.system.git_command import GitError, run_git

_TIMEOUT = 600.0
_PLAIN = ("-c", "advice.detachedHead=false", "-c", "core.autocrlf=false")


@dataclass(slots=True)
class Tree:
    """Source code, laid out."""

    root: Path
    """The folder that stands for the repository's root."""
    origin: str = ""
    """Where it came from, in words: `commit 1a2b3c4d5e6f and the recorded patch`."""
    from_git: bool = False
    differs: list[str] = field(default_factory=list)
    """Files that are not what was recorded, and could not be made so."""
    notes: list[str] = field(default_factory=list)


def lay_out(code: CodeVersion, *, project_dir: Path, artifacts: ArtifactStore, into: Path) -> Tree:
    """Write the recorded source code into a new folder.

    Every file that the training function used is compared with its recorded digest; where Git and the patch do not
    give it, the stored copy is written.

    Args:
        code: what the record says of it.
        project_dir: any folder of the project, whose repository is read.
        artifacts: the store of patches and sources.
        into: the folder; made.
    """
    into.mkdir(parents=True)
    tree = Tree(root=into)
    root = find_root(project_dir)
    if code.revision is not None:
        try:
            _check_out(code.revision, root, into)
            tree.origin, tree.from_git = f"commit {code.revision[:12]}", True
        except GitError as error:
            tree.notes.append(f"Git does not have commit {code.revision[:12]} any more ({error})")
    if code.patch is not None and (tree.from_git or code.revision is None):
        _apply(code.patch, artifacts, tree)
    restored = sum(_restore(file, artifacts, tree) for file in code.source.files) if code.source else 0
    if restored:
        files = f"{restored:,} stored source file{'' if restored == 1 else 's'}"
        tree.origin = f"{tree.origin} and {files}" if tree.origin else files
    if not code.source:
        tree.differs.append("code: which source files were used is not recorded")
    return tree


def _check_out(revision: str, root: Path, into: Path) -> None:
    asked = ["rev-parse", "--show-object-format", "--git-path", "objects", "--git-path", "shallow"]
    kind, objects, shallow = os.fsdecode(run_git(root, asked)).rstrip("\n").split("\n")
    run_git(root, ["cat-file", "-e", f"{revision}^{{commit}}"])
    run_git(into, ["init", "--quiet", "--template=", f"--object-format={kind}"])
    (into / ".git" / "objects" / "info").mkdir(parents=True, exist_ok=True)
    alternates = into / ".git" / "objects" / "info" / "alternates"
    alternates.write_bytes(os.fsencode((root / objects).resolve()) + b"\n")
    if (root / shallow).is_file():
        (into / ".git" / "shallow").write_bytes((root / shallow).read_bytes())
    run_git(into, [*_PLAIN, "checkout", "--quiet", "--detach", revision], timeout=_TIMEOUT)


def _apply(patch: Digest, artifacts: ArtifactStore, tree: Tree) -> None:
    try:
        data = artifacts.read(patch)
        if not tree.from_git:
            run_git(tree.root, ["init", "--quiet", "--template="])
        run_git(tree.root, [*_PLAIN, "apply", "--whitespace=nowarn", "-"], stdin=data, timeout=_TIMEOUT)
    except PurgedError as error:
        tree.notes.append(f"the recorded patch was {error.what}")
        tree.origin = f"{tree.origin or 'nowhere'} without the recorded patch, which was {error.what}"
    except ArtifactError as error:
        tree.notes.append(f"the recorded patch is gone ({error.what})")
    except GitError as error:
        tree.notes.append(f"the recorded patch does not apply ({error})")
    else:
        tree.origin = f"{tree.origin} and the recorded patch" if tree.origin else "the recorded patch"
        tree.from_git = True


def _restore(file: SourceFile, artifacts: ArtifactStore, tree: Tree) -> bool:
    """Write a stored source file where the tree has another one; say whether one was written."""
    path = tree.root / file.path
    if not path.resolve().is_relative_to(tree.root):
        tree.differs.append(f"code: {file.path} leads out of the repository")
        return False
    if _sha256(path) == file.sha256:
        return False
    if file.masked is not None:
        tree.differs.append(f"code: {file.path} is not there as it was recorded; in its stored copy secrets are masked")
        return False
    try:
        data = artifacts.read(Digest("sha256", file.sha256))
    except PurgedError as error:
        tree.differs.append(f"code: {file.path} is not there as it was recorded; its copy was {error.what}")
        return False
    except ArtifactError:
        tree.differs.append(f"code: {file.path} is not there as it was recorded, and no copy of it is stored")
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def import_roots(entry: str, tree: Tree, files: tuple[SourceFile, ...]) -> Iterator[Path]:
    """Yield the folders from which the module of a training function is imported, the likely one first.

    Args:
        entry: `package.module:function`.
        tree: where it is laid out.
        files: what the function used.
    """
    module = entry.partition(":")[0].replace(".", "/")
    for tail in (f"{module}.py", f"{module}/__init__.py"):
        for file in files:
            if file.path == tail or file.path.endswith(f"/{tail}"):
                yield tree.root / file.path.removesuffix(tail)
    yield tree.root
