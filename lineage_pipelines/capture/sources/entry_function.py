"""Entry function: where a training function is defined, its module, its file, and what its imports are relative to."""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Function = Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The function that training starts from."""

    module: str
    qualname: str
    file: str | None
    """Absolute, links resolved in its folders; None when there is no file, as in a notebook."""
    importable: bool
    """Whether it can be imported again under its name."""

    @property
    def name(self) -> str:
        """`package.module:function`."""
        return f"{self.module}:{self.qualname}"

    @property
    def import_root(self) -> str | None:
        """The folder that its absolute imports start from."""
        if self.file is None:
            return None
        stem = self.file.removesuffix(".py").removesuffix(f"{os.sep}__init__")
        suffix = os.sep + self.module.replace(".", os.sep)
        return stem.removesuffix(suffix) if stem.endswith(suffix) else _above_packages(self.file)

    @property
    def place(self) -> str:
        """The module's dotted name by where its file lies, whatever name it was loaded under."""
        if self.file is None or self.import_root is None:
            return self.module
        inner = self.file[len(self.import_root) :].strip(os.sep).removesuffix(".py").removesuffix("__init__")
        return inner.strip(os.sep).replace(os.sep, ".")


def find_entry(function: Function) -> Entry:
    """Return where a function, method, class, partial or callable object is defined; decorators are looked through."""
    plain: Any = _unwrap(function)
    if not hasattr(plain, "__qualname__"):
        plain = type(plain)
    module = getattr(plain, "__module__", None) or "__main__"
    file = _file(plain, module)
    if module == "__main__":
        spec = getattr(sys.modules.get("__main__"), "__spec__", None)
        named = spec.name if spec is not None and file is not None else None
        module = named.removesuffix(".__main__") if named else module
    return Entry(module=module, qualname=plain.__qualname__, file=file, importable=module != "__main__")


def source_text(function: Function) -> str:
    """Return the function's own source where Python can tell it, as in a notebook; else nothing."""
    try:
        return inspect.getsource(_unwrap(function))  # type: ignore[arg-type]  # any callable
    except (OSError, TypeError):
        return ""


def _unwrap(function: object) -> object:
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        if isinstance(function, functools.partial):
            function = function.func
        else:
            function = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None) or function
    return function


def _file(plain: object, module: str) -> str | None:
    code = getattr(plain, "__code__", None)
    loaded = getattr(sys.modules.get(module), "__file__", None)
    for path in (getattr(code, "co_filename", None), loaded):
        # A compiled file that was moved tells a file name that is not there.
        if isinstance(path, str) and path.endswith(".py") and os.path.isabs(path) and os.path.isfile(path):  # noqa: PTH113, PTH117
            folder, name = os.path.split(path)
            return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
    return None


def _above_packages(file: str) -> str:
    folder = os.path.dirname(file)  # noqa: PTH120
    while os.path.isfile(os.path.join(folder, "__init__.py")):  # noqa: PTH113, PTH118
        folder = os.path.dirname(folder)  # noqa: PTH120
    return folder
