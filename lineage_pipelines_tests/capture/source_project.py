"""A Python project in a temporary folder, whose functions can be loaded and unloaded again."""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage_pipelines.capture.sources.closure import code_digest, source_closure

Function = Callable[..., object]
TRAIN = "def train():\n    return 1\n"


class SourceProject:
    """Files by path, and the functions in them."""

    def __init__(self, root: Path, files: Mapping[str, str | bytes]) -> None:
        self.root = root
        for name, content in files.items():
            self.write(name, content)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file exactly, with its folders."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @contextlib.contextmanager
    def loaded(self, module: str, *, at: str = "", name: str = "train") -> Iterator[Function]:
        """Import `module` from the folder `at` and give its function; forget the project's modules afterwards."""
        before, path = dict(sys.modules), list(sys.path)
        sys.path.insert(0, str(self.root / at))
        importlib.invalidate_caches()
        try:
            function: Any = getattr(importlib.import_module(module), name)
            yield function
        finally:
            sys.path[:] = path
            for added in set(sys.modules) - set(before):
                if str(getattr(sys.modules[added], "__file__", "")).startswith(str(self.root)):
                    del sys.modules[added]

    def reached(self, module: str, *, at: str = "", name: str = "train", **options: Any) -> list[str]:
        """Return the paths of the closure, after a check of the laws that hold for all of them."""
        with self.loaded(module, at=at, name=name) as function:
            closure, blobs, _ = source_closure(function, root=self.root, **options)
        assert closure is not None
        for file in closure.files:
            assert (self.root / file.path).read_bytes() in blobs.values()
        return [file.path for file in closure.files]

    def gaps(self, module: str, *, at: str = "") -> tuple[str, ...]:
        """Return what is missing in the closure."""
        with self.loaded(module, at=at) as function:
            return tuple(source_closure(function, root=self.root)[2])

    def digest(self, module: str, *, at: str = "", name: str = "train", **options: Any) -> str:
        """Return the code digest of a function."""
        with self.loaded(module, at=at, name=name) as function:
            return code_digest(function, root=self.root, **options)


def package(tmp_path: Path, **files: str) -> SourceProject:
    """A project with the package `pkg` and modules of it: `pkg__train` is the text of `pkg/train.py`."""
    names = {name.replace("__", "/") + ".py": content for name, content in files.items()}
    return SourceProject(tmp_path / "project", {"pkg/__init__.py": "", **names})
