"""DVC API: the only module that calls DVC, with dvc_config.py.

DVC is imported inside the functions, because that takes half a second. Errors of DVC are raised as `RefusedError` or
`DatasetError`; no DVC object leaves this module.
"""

import os
import posixpath
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lineage_pipelines.datasets.dvc_config import ask, bad_config
from lineage_pipelines.datasets.metafiles.problems import RefusedError
from lineage_pipelines.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Invalid:
    """A position in a metafile that violates DVC's schema."""

    path: tuple[Any, ...]
    """Keys from the top of the file."""
    message: str


@contextmanager
def open_project(root: Path) -> Iterator["DvcView"]:
    """Open a project for one operation.

    Raises:
        DatasetError: DVC cannot open it.
    """
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    try:
        repo = Repo(str(root))
        scm = repo.scm
    except ConfigError as error:
        raise bad_config(root, error) from error
    except (DvcException, SCMError, OSError) as error:
        raise DatasetError(f"DVC cannot open the project: {error}", where=str(root), fix="run `dvc doctor`") from error
    try:
        yield DvcView(repo, scm)
    finally:
        repo.close()


class DvcView:
    """An open DVC project."""

    def __init__(self, repo: Any, scm: Any) -> None:  # noqa: ANN401  # DVC ships no types
        self._repo = repo
        self._scm = scm
        self._has_dvcignore: dict[str, bool] = {}
        self.root: str = repo.root_dir

    def walk(self, skip: Callable[[str], bool]) -> Iterator[tuple[str, list[str]]]:
        """Yield each folder that DVC scans, with the metafiles in it, as DVC's index does.

        Args:
            skip: whether an absolute folder is an output; asked after the metafiles beside it were yielded.

        Yields:
            The absolute folder, and the names of the metafiles in it.
        """
        from dvc.dvcfile import is_valid_filename

        for folder, dirs, files in self._repo.dvcignore.walk(self._repo.fs, self.root, followlinks=False):
            yield folder, [f for f in files if is_valid_filename(f) and not self.is_git_ignored(f"{folder}/{f}")]
            dirs[:] = [d for d in dirs if not skip(f"{folder}/{d}") and not self.is_git_ignored(f"{folder}/{d}/")]

    def is_git_ignored(self, path: str) -> bool:
        """Whether Git ignores an absolute path; folders end with a slash."""
        return bool(self._scm.is_ignored(path))

    def ignored_by(self, path: str) -> str | None:
        """Return the .dvcignore pattern that ignores an absolute path, by DVC's rules for outputs."""
        if not self._needs_ignore_check(path):
            return None
        ignore = self._repo.dvcignore
        if not ignore.is_ignored(self._repo.fs, path, ignore_subrepos=False):
            return None
        found = ignore.check_ignore(path)
        return str(found.pattern_infos[-1]) if found.match else None

    def _needs_ignore_check(self, path: str) -> bool:
        # Without a .dvcignore above it only DVC's own patterns count.
        return "/." in path[len(self.root) :] or self._below_dvcignore(posixpath.dirname(path))

    def _below_dvcignore(self, folder: str) -> bool:
        known = self._has_dvcignore.get(folder)
        if known is None:
            here = os.path.exists(f"{folder}/.dvcignore")  # noqa: PTH110  # once for each folder of each output
            outer = folder != self.root and folder.startswith(self.root)
            known = here or (outer and self._below_dvcignore(posixpath.dirname(folder)))
            self._has_dvcignore[folder] = known
        return known

    def invalid_pipeline(self, value: object) -> Sequence[Invalid]:
        """Return the positions in a parsed dvc.yaml that violate DVC's schema."""
        from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA

        return _invalid(COMPILED_MULTI_STAGE_SCHEMA, value)

    def invalid_tracked(self, value: object) -> Sequence[Invalid]:
        """Return the positions in a parsed `.dvc` file that violate DVC's schema."""
        from dvc.schema import COMPILED_SINGLE_STAGE_SCHEMA

        return _invalid(COMPILED_SINGLE_STAGE_SCHEMA, value)

    def templates(self, folder: str, value: Mapping[str, Any]) -> "Templates":
        """Return DVC's resolver for one parsed dvc.yaml.

        Args:
            folder: the absolute folder of the dvc.yaml.
            value: its content.

        Raises:
            RefusedError: its `vars` cannot be loaded.
        """
        from dvc.parsing import DataResolver

        return Templates(_ask_in(self.root, lambda: DataResolver(self._repo, folder, dict(value))), self.root)

    @property
    def remotes(self) -> Mapping[str, str]:
        """Return each remote's URL by its name, references to other remotes followed."""
        from dvc.fs import get_fs_config

        found = {}
        for name in self._repo.config.get("remote", {}):
            with suppress(RefusedError, KeyError):
                found[name] = str(ask(partial(get_fs_config, self._repo.config, name=name))["url"])
        return found

    @property
    def default_remote(self) -> str | None:
        """Return the name of the default remote."""
        name = self._repo.config["core"].get("remote")
        return None if name is None else str(name)

    @property
    def cache_dir(self) -> str:
        """Return the absolute folder of the cache."""
        return str(self._repo.cache.local_cache_dir)

    @property
    def config_files(self) -> Sequence[str]:
        """Return the absolute paths of every configuration file DVC looks for."""
        return [str(path) for path in self._repo.config.files.values()]

    @property
    def schemes(self) -> frozenset[str]:
        """Return the URL schemes that mean another file system."""
        from dvc_objects.fs import known_implementations

        return frozenset(known_implementations) - {"local"}


class Templates:
    """The stages of one dvc.yaml after templating, resolved one by one, so that one error does not hide another."""

    def __init__(self, resolver: Any, root: str) -> None:  # noqa: ANN401
        self._resolver = resolver
        self._root = root

    def definitions(self) -> Sequence[str]:
        """Return the names under `stages`."""
        return list(self._resolver.definitions)

    def names(self, definition: str) -> Sequence[str]:
        """Return the names of the stages that a definition stands for.

        Raises:
            RefusedError: its `foreach` or `matrix` cannot be resolved.
        """
        found = self._resolver.definitions[definition]
        generated = getattr(found, "get_generated_names", None)
        return _ask_in(self._root, generated) if generated is not None else [definition]

    def resolve(self, name: str) -> Mapping[str, Any]:
        """Return the definition of one stage after templating.

        Raises:
            RefusedError: it cannot be resolved.
        """
        resolved: Mapping[str, Any] = _ask_in(self._root, lambda: self._resolver.resolve_one(name))[name]
        return resolved

    def top_level(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield each other section whose entries DVC resolves, with a function that resolves one entry.

        The function raises RefusedError.
        """
        for section in ("artifacts", "datasets", "metrics", "params", "plots"):
            for item in getattr(self._resolver, section):
                yield section, partial(_ask_in, self._root, item.resolve)


def _invalid(schema: Callable[[Any], Any], value: object) -> Sequence[Invalid]:
    from voluptuous import MultipleInvalid

    try:
        schema(value)
    except MultipleInvalid as error:
        return [Invalid(tuple(item.path), str(item.error_message)) for item in error.errors]
    return []


def _ask_in(root: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Call DVC; make paths in its messages relative to the DVC root instead of the current folder."""
    try:
        return ask(call)
    except RefusedError as error:
        here = os.path.relpath(root)
        plain = re.sub(rf"(?<![\w./-]){re.escape(here)}/", "", str(error))
        raise RefusedError(str(error) if here == "." else plain) from error


def seen_files(root: Path, folder: Path) -> frozenset[str]:
    """Return the files in a folder that `.dvcignore` does not exclude, relative to the folder.

    Args:
        root: the DVC root.
        folder: absolute, inside the root.

    Raises:
        DatasetError: DVC cannot open the project.
    """
    from dvc.repo import Repo

    with open_project(root), Repo(str(root)) as repo:
        found = repo.dvcignore.find(repo.fs, str(folder))
        return frozenset(path[len(str(folder)) + 1 :] for path in found)


def fetch_data(root: Path, paths: Sequence[str], *, patience: float = 60.0) -> None:
    """Fetch the recorded data of some paths into DVC's cache (`dvc fetch`).

    DVC reports success even if a remote lacks the data or there is no remote: check afterwards.

    Args:
        root: the DVC root.
        paths: tracked paths, relative to the root.
        patience: seconds to wait for another DVC process.

    Raises:
        DatasetError: DVC could not reach the remote, or another DVC process kept the project locked.
    """
    from dvc.lock import LockError

    deadline = time.monotonic() + patience
    while True:
        try:
            return _fetch_once(root, paths)
        except LockError as error:
            if time.monotonic() > deadline:
                raise DatasetError(
                    f"another DVC process has kept the project locked for {patience:g} seconds",
                    where=str(root),
                    fix="wait for it to end, then try again",
                ) from error


def _fetch_once(root: Path, paths: Sequence[str]) -> None:
    from dvc.lock import LockError
    from dvc.repo import Repo

    with open_project(root), Repo(str(root)) as repo:
        try:
            repo.fetch(targets=[str(root / path) for path in paths])
        except LockError:
            raise
        except Exception as error:  # a remote may fail in its own ways
            raise DatasetError(
                f"DVC could not fetch the data: {str(error).strip() or type(error).__name__}",
                where=", ".join(paths),
                fix="check `dvc remote list` and try `dvc fetch` manually",
            ) from error


def push_objects(
    root: Path, stores: Mapping[str, Path], objects: Mapping[str, Collection[str]], *, dry_run: bool = False
) -> tuple[frozenset[str], frozenset[str]]:
    """Upload those of some objects that the default remote lacks, and check that they arrived.

    Files go before the listings that name them: a listing alone makes DVC believe that the whole directory is there.

    Args:
        root: the DVC root.
        stores: by hash name, a folder with the objects in the layout of DVC's cache.
        objects: MD5s by hash name.
        dry_run: only check.

    Returns:
        The MD5s that the remote lacked before, and those that it lacks now.

    Raises:
        DatasetError: there is no default remote, or it cannot be reached, or it keeps no objects by their digest.
    """
    from dvc.repo import Repo

    lacked: set[str] = set()
    lacks: set[str] = set()
    with open_project(root), Repo(str(root)) as repo:
        for hash_name, names in objects.items():
            try:
                remote = repo.cloud.get_remote_odb(None, "push", hash_name=hash_name)
                absent = set(names) - set(remote.oids_exist(list(names)))
                lacked |= absent
                if absent and not dry_run:
                    _send(stores[hash_name], remote, hash_name, absent)
                    absent -= set(remote.oids_exist(list(absent)))
                lacks |= absent
            except Exception as error:  # a remote may fail in its own ways
                raise DatasetError(
                    f"DVC could not push the data: {str(error).strip() or type(error).__name__}",
                    where=str(root),
                    fix="check `dvc remote list` and `dvc remote default`, or skip the remote (--no-push)",
                ) from error
    return frozenset(lacked), frozenset(lacks)


def _send(store: Path, remote: Any, hash_name: str, names: Collection[str]) -> None:  # noqa: ANN401
    from dvc_data.hashfile.db.local import LocalHashFileDB
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import transfer
    from dvc_objects.fs.local import LocalFileSystem

    source = LocalHashFileDB(  # type: ignore[no-untyped-call]  # DVC ships no types
        LocalFileSystem(),  # type: ignore[no-untyped-call]
        str(store),
        hash_name=hash_name,
    )
    listings = {name for name in names if name.endswith(".dir")}
    for some in (set(names) - listings, listings):
        if some:
            transfer(source, remote, {HashInfo(hash_name, name) for name in some}, shallow=True)
