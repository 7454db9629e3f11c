"""Folder copy: a model folder of MLflow, streamed into the artifact store and named by the digest of its file list.

What a server or store lists is not believed. Of this machine only what lies in the folders that the user names is read;
links and paths that leave them, files that by their name hold secrets, and folders beyond a size are refused.
"""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow.param_codec import plain
from lineage_pipelines.bridges.mlflow.server import RefusedError, translated_errors
from lineage_pipelines.capture.secrets import is_secret_file
from lineage_pipelines.datasets.metafiles.directory_listing import is_safe_path
from lineage_pipelines.datasets.metafiles.yaml_reader import read_yaml
from lineage_pipelines.errors import ArtifactError, BridgeError, DatasetError
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

MANIFEST = "mlflow"
"""The format of a model folder: its digest is that of its list, `<sha256>  <path>` a line, sorted by path."""
_ROWS = re.compile(r"(serving_)?input_.*example.*|input_example.*")
"""What MLflow calls examples of a model's input, beside the model: rows of data, which nothing here may keep."""
_MAX_FILES = 10_000
_DEEPEST = 64
_FIX = "give access to it and ask again; or --artifacts none, which only says where the files were"
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".config", ".docker", ".gnupg", ".kube", ".lineage"})
_SECRET_FILES = re.compile(
    r"(?i)id_[a-z0-9]+(_sk)?(\.pub)?|known_hosts|authorized_keys|shadow|.*\.kdbx|\.?git-credentials"
)
MAX_GB = 10.0
_GB = 10**9
_SQLITE = "sqlite:///"
_BESIDE = ("mlruns", "mlartifacts")
"""Where MLflow keeps artifacts beside its database when it is not told another place."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NOT_THERE = (403, 404, 410)
_Read = Callable[[str, Path], Path]
"""Gives a file of the folder by its path, perhaps in a temporary folder."""


DESCRIBING_FILES = ("MLmodel", "python_env.yaml", "requirements.txt")
"""The files that are read."""
_MAX_BYTES = 1 << 20
_PINNED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([^\s;#,]+)")
_VERSION = re.compile(r"[0-9]+(\.[0-9a-z]+)*")
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDescription:
    """A model, in the words of its folder."""

    python: str | None = None
    """`3.11.7`."""
    loader: str | None = None
    """The module that loads it there: `mlflow.sklearn`."""
    requirements: tuple[str, ...] = ()
    """`name==version`, sorted, names as PEP 503 normalises them."""
    unpinned: int = 0
    """Lines of requirements.txt that name no version."""


def describe_folder(files: Mapping[str, bytes]) -> FolderDescription:
    """Read what is known of a folder.

    Args:
        files: those of `DESCRIBING_FILES` that there are, and their bytes.
    """
    model = _mapping(files, "MLmodel")
    function = _at(_at(model, "flavors"), "python_function")
    pinned, unpinned = _requirements(files.get("requirements.txt", b""))
    python = (function.get("python_version"), _mapping(files, "python_env.yaml").get("python"))
    return FolderDescription(
        python=next((str(each) for each in python if each and _VERSION.fullmatch(str(each))), None),
        loader=_module(function.get("loader_module")),
        requirements=pinned,
        unpinned=unpinned,
    )


def _mapping(files: Mapping[str, bytes], name: str) -> Mapping[str, Any]:
    data = files.get(name, b"")
    if len(data) > _MAX_BYTES:
        return {}
    try:
        value = read_yaml(data, file=name).value
    except DatasetError:
        return {}
    return value if isinstance(value, dict) else {}


def _at(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _module(name: object) -> str | None:
    return name if isinstance(name, str) and _MODULE.fullmatch(name) else None


def _requirements(data: bytes) -> tuple[tuple[str, ...], int]:
    from packaging.utils import canonicalize_name

    lines = data[:_MAX_BYTES].decode("utf-8", "replace").splitlines()
    wanted = [line for line in lines if line.strip() and not line.strip().startswith(("#", "-"))]
    found = [_PINNED.match(line) for line in wanted]
    names = {f"{canonicalize_name(each[1])}=={each[2]}" for each in found if each}
    return tuple(sorted(names)), sum(each is None for each in found)


class NoFolderError(ArtifactError):
    """A folder that is not there, is empty, or is not one that may be read: asking again gives the same answer."""


class UnreadableError(BridgeError):
    """Files that are somewhere, and cannot be read from here; another try may succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFolder:
    """A model folder that is in the artifact store."""

    digest: Digest
    """Of its list, which is a stored file too."""
    size: int
    """Bytes of its files together."""
    described: FolderDescription
    left_out: tuple[str, ...] = ()
    """Examples of input, which hold rows of data: they are in neither the list nor the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRules:
    """What may be copied."""

    roots: tuple[Path, ...] = ()
    """The folders of this machine that model folders may lie in."""
    most_bytes: int = int(MAX_GB * _GB)
    """Of one model folder."""


def copy_rules(address: str, roots: Sequence[Path] = (), most_gb: float = MAX_GB) -> CopyRules:
    """Return what may be copied from a tracking server or store.

    Args:
        address: the server or store. The folder of a file store, and `mlruns` and `mlartifacts` beside a database that
            is a file, are named with it.
        roots: further folders of this machine.
        most_gb: the largest model folder, in GB of 10^9 bytes.
    """
    folder = local_path(address)
    if address.startswith(_SQLITE):
        beside = Path(address.removeprefix(_SQLITE)).absolute().parent
        named = [beside / name for name in _BESIDE if not (beside / name).is_symlink()]
    else:
        named = [folder] if folder is not None else []
    return CopyRules(roots=tuple(path.resolve() for path in (*roots, *named)), most_bytes=int(most_gb * _GB))


def store_folder(place: str, address: str, store: ArtifactStore, rules: CopyRules) -> StoredFolder:
    """Copy every file of a model folder into the store.

    Args:
        place: the folder's address, as MLflow names it.
        address: the tracking server or store.
        store: where to.
        rules: what may be copied.

    Raises:
        NoFolderError: it is not there, is empty, or may not be read.
        UnreadableError: it could not be read this time.
        ArtifactError: the store cannot be written.
    """
    local = local_path(place)
    if local is not None:
        _check_may_read(address)
        inside = _inside(local, rules.roots)
        return _keep(list(_walk(inside, rules.most_bytes)), _local_reader(inside), store, rules.most_bytes)
    with _explained(address):
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository = get_artifact_repository(place, tracking_uri=address, registry_uri=address)
        paths = _list(repository, rules.most_bytes)
        return _keep(paths, _remote_reader(repository), store, rules.most_bytes)


def _keep(paths: list[str], read: _Read, store: ArtifactStore, most_bytes: int) -> StoredFolder:
    if not paths:
        raise NoFolderError("there are no files")
    _refuse_secrets(paths)
    lines, size, describing = [], 0, {}
    left_out = tuple(sorted(path for path in paths if _ROWS.fullmatch(path)))
    for path in sorted(set(paths) - set(left_out)):
        with tempfile.TemporaryDirectory(prefix="lineage-") as folder:
            file = read(path, Path(folder))
            size += file.stat().st_size
            _check_size(size, most_bytes)
            digest = store.put_file(file)
            if path in DESCRIBING_FILES:
                describing[path] = file.read_bytes()
        lines.append(f"{digest.hex}  {path}\n")
    digest = store.put_bytes("".join(lines).encode())
    return StoredFolder(digest=digest, size=size, described=describe_folder(describing), left_out=left_out)


def _refuse_secrets(paths: Sequence[str]) -> None:
    found = [path for path in paths if _may_be_secret(path)]
    if found:
        raise NoFolderError(f"a file that by its name holds secrets: {plain(found[0])[:200]!r}")


def _may_be_secret(path: str) -> bool:
    *folders, name = path.split("/")
    return is_secret_file(name) or bool(_SECRET_FILES.fullmatch(name)) or not _SECRET_FOLDERS.isdisjoint(folders)


def _check_size(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        what = f"the folder has {size:,} bytes or more, and {most_bytes:,} are allowed (--max-size)"
        raise NoFolderError(what)


# A folder of this machine


def local_path(place: str) -> Path | None:
    """Return the folder of this machine that an address names; None for one elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(place)


def _check_may_read(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") and parts.hostname not in _LOOPBACK:
        raise NoFolderError("the server names a folder of its own machine, and such a folder of this one is not read")


def _inside(place: Path, roots: Sequence[Path]) -> Path:
    """Return the real folder, links followed, within one of the roots.

    Raises:
        NoFolderError: it lies elsewhere, or in a folder that by its name holds secrets.
    """
    real = place.resolve()
    root = next((root for root in roots if real.is_relative_to(root)), None)
    if root is None:
        what = f"{plain(str(place))[:200]!r} is in no folder that may be read; name one with --artifact-root"
        raise NoFolderError(what)
    _refuse_secrets([real.relative_to(root).as_posix() + ("" if real.is_file() else "/")])
    return real


def _walk(root: Path, most_bytes: int) -> Iterator[str]:
    size = 0
    if root.is_file():
        _check_size(root.stat().st_size, most_bytes)
        yield _checked(root.name, "")
    inside = root.resolve()
    for count, path in enumerate(sorted(root.rglob("*"))):
        if count >= _MAX_FILES:
            raise NoFolderError(f"more than {_MAX_FILES:,} files")
        if not path.exists() or not path.resolve().is_relative_to(inside):
            raise NoFolderError(f"a link leaves the folder: {plain(path.name)!r}")
        if not os.access(path, os.R_OK):
            raise UnreadableError(f"permission is denied: {plain(path.name)!r}", fix=_FIX)
        if stat.S_ISREG(path.stat().st_mode):
            size += path.stat().st_size
            _check_size(size, most_bytes)
            yield _checked(path.relative_to(root).as_posix(), "")
        elif not path.is_dir():
            raise NoFolderError(f"neither a file nor a folder: {plain(path.name)!r}")


def _local_reader(root: Path) -> _Read:
    def read(path: str, _into: Path) -> Path:
        return root if root.is_file() else root / path

    return read


# A folder elsewhere


def _list(repository: "ArtifactRepository", most_bytes: int) -> list[str]:
    folders, found, size = [""], list[str](), 0
    while folders:
        folder = folders.pop()
        for listed in repository.list_artifacts(folder or None):
            (folders if listed.is_dir else found).append(_checked(str(listed.path), folder))
            size += int(listed.file_size or 0)
            _check_size(size, most_bytes)
            if len(found) + len(folders) > _MAX_FILES:
                raise NoFolderError(f"more than {_MAX_FILES:,} files")
    return found


def _checked(path: str, folder: str) -> str:
    inside = not folder or path.startswith(f"{folder}/")
    if not inside or not is_safe_path(path) or not path.isprintable() or path.count("/") > _DEEPEST:
        raise NoFolderError(f"a path that may lie outside the folder: {plain(path)[:200]!r}")
    return path


def _remote_reader(repository: "ArtifactRepository") -> _Read:
    download: Callable[..., str] = repository.download_artifacts

    def read(path: str, into: Path) -> Path:
        return Path(download(path, dst_path=str(into)))

    return read


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Say what an error of an artifact store means: not there, or not readable this time."""
    import requests  # MLflow's own client

    try:
        with translated_errors(address):
            try:
                yield
            except requests.HTTPError as error:
                if error.response is not None and error.response.status_code in _NOT_THERE:
                    raise NoFolderError(f"the server answers {error.response.status_code}") from error
                raise
            except FileNotFoundError as error:
                raise NoFolderError("a file is not there any more") from error
    except RefusedError as error:
        raise NoFolderError(error.what) from error
    except ArtifactError:
        raise
    except Exception as error:  # whatever the client of a store raises
        raise UnreadableError(_one_line(error), fix=_fix(error)) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(getattr(error, "what", error)).split())[:300]


def _fix(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"install what reads such a store: pip install {error.name or 'its client'}; or --artifacts none"
    return _FIX
