"""Module finder: where a module of the project lies, by Python's import rules, without importing anything.

Only files of the project are found: those under its root that are neither in a virtual environment or `site-packages`
nor part of this library.
"""

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES

from lineage_pipelines.capture.recorder import is_recorder_file, recorder_folder

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_COMPILED = (*EXTENSION_SUFFIXES, ".pyd")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project."""

    name: str
    file: str | None = None
    """None for a namespace package, and for a package of this library: it is walked through, and not recorded."""
    folders: tuple[str, ...] = ()
    """Where its submodules are; empty unless it is a package."""
    compiled: bool = False
    """It is an extension module; there is no Python source."""

    @property
    def is_namespace(self) -> bool:
        """Whether it is only folders without `__init__`."""
        return self.file is None and not self.compiled

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.folders else self.name.rpartition(".")[0]


class ModuleFinder:
    """Finds modules of one project; remembers what it saw, so make a new one for every question."""

    def __init__(self, root: str, import_roots: Sequence[str]) -> None:
        """Look under `root`, for top-level names in those of `import_roots` that are there, first to last."""
        self.root = root
        inside = root.rstrip(os.sep) + os.sep
        self._recorder = recorder_folder()
        self._import_roots = tuple(dict.fromkeys(f for f in import_roots if f == root or f.startswith(inside)))
        self._modules: dict[str, Module | None] = {}
        self._listings: dict[str, frozenset[str]] = {}
        self._installed: dict[str, bool] = {}

    def find(self, name: str) -> Module | None:
        """Return the module of an absolute name, or None when it is not one of the project's."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def is_project_file(self, path: str) -> bool:
        """Whether a file is the project's own."""
        inside = path.startswith(self.root.rstrip(os.sep) + os.sep)
        return inside and not (is_recorder_file(path, self._recorder) or self._is_installed(os.path.dirname(path)))  # noqa: PTH120

    def _find(self, name: str) -> Module | None:
        parent, _, last = name.rpartition(".")
        if parent:
            package = self.find(parent)
            return self._search(name, last, package.folders) if package is not None else None
        if name in sys.builtin_module_names:
            return None
        found = self._search(name, last, self._import_roots)
        if found is not None and not found.is_namespace:
            return found
        # A monorepo's folder `common/` is not the package `common` that is installed from `common/src`.
        return self._search(name, last, self._location(name)) or found

    def _search(self, name: str, last: str, folders: Sequence[str]) -> Module | None:
        portions = []
        for folder in folders:
            names = self._list(folder)
            path = f"{folder}{os.sep}{last}"
            if last in names and "__init__.py" in self._list(path):
                return self._own(Module(name, f"{path}{os.sep}__init__.py", (path,)))
            if any(f"{last}{suffix}" in names for suffix in _COMPILED):
                return Module(name, compiled=True)
            if f"{last}.py" in names:
                return self._own(Module(name, f"{path}.py"))
            if last in names and self._list(path):
                portions.append(path)
        return Module(name, folders=tuple(portions)) if portions else None

    def _own(self, module: Module) -> Module | None:
        if module.file is not None and self.is_project_file(module.file):
            return module
        is_recorder = module.file is not None and is_recorder_file(module.file, self._recorder)
        return Module(module.name, folders=module.folders) if is_recorder and module.folders else None

    def _location(self, name: str) -> tuple[str, ...]:
        """Where the environment has a top-level module, when that is inside the project: an editable install."""
        if name in sys.stdlib_module_names or name == "__main__":
            return ()
        try:
            spec = importlib.util.find_spec(name)  # of a top-level name; it imports nothing
        except (ImportError, ValueError, AttributeError, OSError):
            return ()
        origin = spec.origin if spec is not None else None
        if origin is None or not origin.endswith(".py"):
            return ()
        folder = os.path.dirname(os.path.realpath(origin))  # noqa: PTH120
        folder = os.path.dirname(folder) if origin.endswith(f"{os.sep}__init__.py") else folder  # noqa: PTH120
        return (folder,) if self.is_project_file(f"{folder}{os.sep}x") and folder != _current_folder() else ()

    def _list(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))  # noqa: PTH208
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _is_installed(self, folder: str) -> bool:
        if folder == self.root or len(folder) <= len(self.root):
            return False
        if folder not in self._installed:
            name = os.path.basename(folder)  # noqa: PTH119
            here = name in _INSTALLED or "pyvenv.cfg" in self._list(folder)
            self._installed[folder] = here or self._is_installed(os.path.dirname(folder))  # noqa: PTH120
        return self._installed[folder]


def _current_folder() -> str | None:
    # What is found only because Python was started in that folder is not part of the project's layout.
    try:
        return os.path.realpath(os.getcwd())  # noqa: PTH109
    except OSError:
        return None
