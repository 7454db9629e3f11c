"""The closure holds every project file that training can import, by reading alone."""

import contextlib
import functools
import gc
import os
import subprocess
import sys
import tempfile
import textwrap
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lineage_pipelines.capture.sources.closure import code_digest, source_closure
from lineage_pipelines.capture.sources.import_statements import read_imports
from lineage_pipelines.capture.sources.source_reader import SourceMemory
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.capture.source_project import TRAIN, SourceProject, package


@pytest.mark.parametrize(
    ("imports", "reached"),
    [
        ("import pkg.a", ["a"]),
        ("import pkg.a as x", ["a"]),
        ("import pkg.sub.b as x", ["sub/__init__", "sub/b"]),
        ("from pkg import a", ["a"]),
        ("from pkg.a import value", ["a"]),
        ("from pkg.sub import b", ["sub/__init__", "sub/b"]),
        ("from pkg.sub.b import value as v", ["sub/__init__", "sub/b"]),
        ("from . import a", ["a"]),
        ("from .a import value", ["a"]),
        ("from .sub import b", ["sub/__init__", "sub/b"]),
        ("from .sub.b import value", ["sub/__init__", "sub/b"]),
        ("import os, pkg.a, json", ["a"]),
        ("def f():\n    from pkg import a", ["a"]),
        ("class C:\n    def f(self):\n        import pkg.a", ["a"]),
        ("async def f():\n    async with x:\n        import pkg.a", ["a"]),
        ("try:\n    import nowhere\nexcept ImportError:\n    import pkg.a", ["a"]),
        ("try:\n    pass\nfinally:\n    import pkg.a", ["a"]),
        ("try:\n    pass\nexcept* OSError:\n    import pkg.a", ["a"]),
        ("for _ in ():\n    pass\nelse:\n    import pkg.a", ["a"]),
        ("while False:\n    import pkg.a", ["a"]),
        ("match 1:\n    case 1:\n        import pkg.a", ["a"]),
        (
            "if False:\n    import pkg.a\nelif 0:\n    import pkg.c\nelse:\n    import pkg.sub",
            ["a", "c", "sub/__init__"],
        ),
        ("import importlib\nimportlib.import_module('pkg.a')", ["a"]),
        ("import importlib\nimportlib.import_module('.a', __package__)", ["a"]),
        ("__import__('pkg.a')", ["a"]),
        ("from pkg.sub import *", ["sub/__init__", "sub/b"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pkg.a", []),
        ("import typing as t\nif t.TYPE_CHECKING:\n    import pkg.a\nelse:\n    import pkg.c", ["c"]),
        ("import typing as t\nif not t.TYPE_CHECKING:\n    import pkg.a", ["a"]),
        ("import pkg.space.d", ["space/d"]),
        ("from pkg import nothing_such", []),
        ("import nowhere.at.all", []),
        ("import pandas, numpy.linalg\nfrom sklearn import *", []),
        ("'import pkg.a'", []),
        ("import pkg.chain1", ["chain1", "chain2", "chain3"]),
        ("import pkg.circle", ["circle"]),
        ("x = '\\d'\nimport pkg.a", ["a"]),
        ("# -*- coding: latin-1 -*-\nname = 'é'\nimport pkg.a", ["a"]),
    ],
)
def test_every_form_of_import(tmp_path: Path, imports: str, reached: list[str]) -> None:
    project = SourceProject(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/start.py": TRAIN,
            "pkg/a.py": "value = 1\n",
            "pkg/c.py": "",
            "pkg/sub/__init__.py": "__all__ = ['b', 'value']\nvalue = 1\n",
            "pkg/sub/b.py": "value = 1\n",
            "pkg/sub/unused.py": "",
            "pkg/space/d.py": "",
            "pkg/chain1.py": "from .chain2 import x\n",
            "pkg/chain2.py": "import pkg.chain3\nx = 1\n",
            "pkg/chain3.py": "",
            "pkg/circle.py": "import pkg.start\n",
            "unused.py": "",
        },
    )
    with project.loaded("pkg.start") as train:
        project.write("pkg/start.py", imports.encode("latin-1" if "latin" in imports else "utf-8") + b"\n")
        closure, _, _ = source_closure(train, root=project.root)
    assert closure is not None
    expected = ["pkg/__init__.py", "pkg/start.py", *(f"pkg/{name}.py" for name in reached)]
    assert [file.path for file in closure.files] == sorted(expected)


def test_the_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train="from pkg import a\n" + TRAIN, pkg__a="value = 1\n")
    with project.loaded("pkg.train") as train:
        closure, blobs, gaps = source_closure(train, root=project.root)
    assert closure is not None
    names = ["pkg/__init__.py", "pkg/a.py", "pkg/train.py"]
    printed = subprocess.run(["sha256sum", *names], cwd=project.root, check=True, capture_output=True).stdout
    assert closure.digest == Digest.of(printed)
    assert closure.entry == "pkg.train:train"
    assert gaps == ()
    assert {digest.hex for digest in blobs} == {file.sha256 for file in closure.files}
    assert all(Digest.of(data) == digest for digest, data in blobs.items())


def test_modules_at_the_root_in_src_and_beside_a_script(tmp_path: Path) -> None:
    files = {
        "src/pkg/__init__.py": "",
        "src/pkg/train.py": "import pkg.inner, tools, helper\n" + TRAIN,
        "src/pkg/inner.py": "",
        "tools.py": "",
        "scripts/helper.py": "",
        "scripts/job.py": "import helper, pkg.inner\n" + TRAIN,
    }
    project = SourceProject(tmp_path, files)
    with contextlib.suppress(ImportError):
        project.reached("pkg.train", at="src")
    project.write("src/pkg/train.py", "import pkg.inner\ndef f():\n    import tools\n" + TRAIN)
    inner = ["src/pkg/__init__.py", "src/pkg/inner.py"]
    assert project.reached("pkg.train", at="src") == [*inner, "src/pkg/train.py", "tools.py"]
    project.write("scripts/job.py", "import helper\ndef f():\n    import pkg.inner\n" + TRAIN)
    assert project.reached("job", at="scripts") == ["scripts/helper.py", "scripts/job.py", *inner]


def test_an_editable_sibling_of_a_monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "app/main/__init__.py": "",
        "app/main/train.py": "import common.text\n" + TRAIN,
        "common/README.md": "",
        "common/src/common/__init__.py": "",
        "common/src/common/text.py": "",
    }
    project = SourceProject(tmp_path, files)
    monkeypatch.syspath_prepend(str(project.root / "common" / "src"))
    common = ["common/src/common/__init__.py", "common/src/common/text.py"]
    assert project.reached("main.train", at="app") == ["app/main/__init__.py", "app/main/train.py", *common]


@pytest.mark.parametrize("folder", ["venv/lib/python3.11/site-packages", "deps/dist-packages", "my_env/lib"])
def test_a_virtual_environment_in_the_project_is_not_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    project = package(tmp_path, pkg__train="import installed\n" + TRAIN)
    project.write(f"{folder}/installed.py", TRAIN)
    project.write("my_env/pyvenv.cfg", "")
    monkeypatch.syspath_prepend(str(project.root / folder))
    assert project.reached("pkg.train") == ["pkg/__init__.py", "pkg/train.py"]
    (gap,) = project.gaps("installed")
    assert gap == "code.source: installed:train is defined outside the project, in an installed package"


def test_a_function_of_an_installed_package(tmp_path: Path) -> None:
    project = SourceProject(tmp_path / "project", {"mine.py": ""})
    installed = SourceProject(tmp_path / "lib", {"lib/__init__.py": "", "lib/train.py": "import mine\n" + TRAIN})
    sys.path.insert(0, str(project.root))
    try:
        with installed.loaded("lib.train") as train:
            closure, _, gaps = source_closure(train, root=project.root)
            before = code_digest(train, root=project.root)
        installed.write("lib/train.py", "import mine\n# 2\n" + TRAIN)
        with installed.loaded("lib.train") as train:
            assert code_digest(train, root=project.root) != before
    finally:
        sys.path.remove(str(project.root))
        sys.modules.pop("mine", None)
    assert closure is not None
    assert [file.path for file in closure.files] == ["mine.py"]
    assert gaps == ("code.source: lib.train:train is defined outside the project, in an installed package",)


def _decorator(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def wrapper() -> object:
        return function()

    return wrapper


@pytest.mark.parametrize(
    "wrap",
    [
        _decorator,
        functools.partial,
        functools.cache,
        lambda function: functools.partial(_decorator(functools.partial(function))),
    ],
)
def test_decorators_are_looked_through(tmp_path: Path, wrap: Callable[[object], Callable[..., object]]) -> None:
    project = package(tmp_path, pkg__train=TRAIN)
    with project.loaded("pkg.train") as train:
        closure, _, gaps = source_closure(wrap(train), root=project.root)
    assert closure is not None
    assert (closure.entry, gaps) == ("pkg.train:train", ())
    assert [file.path for file in closure.files] == ["pkg/__init__.py", "pkg/train.py"]


def test_classes_methods_and_objects(tmp_path: Path) -> None:
    source = "class Train:\n    def __call__(self): pass\n    def run(self): pass\ntrain = Train()\n"
    project = package(tmp_path, pkg__train=source)
    with project.loaded("pkg.train") as train:
        for function, name in [(train, "Train"), (type(train), "Train"), (train.run, "Train.run")]:  # type: ignore[attr-defined]
            closure, _, _ = source_closure(function, root=project.root)
            assert closure is not None
            assert closure.entry == f"pkg.train:{name}"


def test_a_function_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("__main__")  # without the file of whatever runs these tests
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    space = vars(notebook)
    exec("def train():\n    return 1\n", space)  # as a notebook does
    train = space["train"]
    assert callable(train)
    closure, blobs, gaps = source_closure(train, root=tmp_path)
    assert (closure, blobs) == (None, {})
    assert gaps == ("code.source: __main__:train has no source file (a notebook or an interactive session)",)
    assert code_digest(train, root=tmp_path)


_PRINT_CLOSURE = """
import sys
from pathlib import Path
from lineage_pipelines.capture.sources.closure import source_closure
import helper
def train():
    pass
if __name__ == "__main__":
    closure, _, gaps = source_closure(train, root=Path(sys.argv[1]))
    print(closure.entry, [file.path for file in closure.files], gaps)
"""


def test_a_script_and_a_module_that_is_run(tmp_path: Path) -> None:
    project = SourceProject(tmp_path, {"job.py": _PRINT_CLOSURE, "helper.py": "", "sub/x.txt": ""})
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}

    def run(*command: str, cwd: Path = project.root) -> str:
        done = subprocess.run(
            [sys.executable, *command, str(project.root)], cwd=cwd, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    moved = "code.source: __main__:train is defined in a script and cannot be imported again; move it into a module"
    assert run("job.py") == f"__main__:train ['helper.py', 'job.py'] ('{moved}',)"
    assert run("../job.py", cwd=project.root / "sub") == run("job.py")
    assert run("-m", "job") == "job:train ['helper.py', 'job.py'] ()"


def test_what_cannot_be_followed_is_a_gap(tmp_path: Path) -> None:
    project = package(
        tmp_path,
        pkg__train="def train():\n    import pkg.broken, pkg.plugins, pkg.fast\n",
        pkg__broken="def\n",
        pkg__plugins="import importlib\n\ndef load(name):\n    return importlib.import_module(name)\n",
    )
    project.write("pkg/fast.so", b"\x7fELF")
    project.write("pkg/fast.abi3.so", b"\x7fELF")
    assert project.gaps("pkg.train") == (
        "code.source: pkg/broken.py cannot be parsed, its imports are not followed",
        "code.source: pkg/plugins.py:4 imports a module by a computed name, which is not followed",
        "code.source: pkg.fast is compiled, its source is not recorded",
    )


@pytest.mark.parametrize("source", ["import os", "def"])
@pytest.mark.parametrize("looked_for", [True, False])
def test_python_looks_for_garbage_as_it_did_before(source: str, looked_for: bool) -> None:
    try:
        (gc.enable if looked_for else gc.disable)()
        read_imports(source.encode())
        assert gc.isenabled() is looked_for
    finally:
        gc.enable()


def test_a_file_with_a_secret_is_stored_with_the_secret_masked(tmp_path: Path) -> None:
    token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    text = f"x = 1\nTOKEN = '{token}'\npassword = 'correct horse'\n" + TRAIN
    project = package(tmp_path, pkg__train=text)
    with project.loaded("pkg.train") as train:
        closure, blobs, gaps = source_closure(train, root=project.root)
    assert closure is not None
    (file,) = [each for each in closure.files if each.path == "pkg/train.py"]
    assert file.sha256 == Digest.of(text.encode()).hex
    assert file.masked is not None
    assert blobs[file.masked].decode() == "x = 1\nTOKEN = '<masked>'\npassword = '<masked>'\n" + TRAIN
    assert Digest.of(text.encode()) not in blobs
    assert gaps == (
        "code.source: pkg/train.py masked, it holds what looks like a secret at pkg/train.py:2, pkg/train.py:3",
    )


def test_a_file_with_a_private_key_is_named_and_not_stored(tmp_path: Path) -> None:
    key = "-----BEGIN " + "PRIVATE KEY-----"
    project = package(tmp_path, pkg__train=f'KEY = """{key}\nabc\n"""\n' + TRAIN)
    with project.loaded("pkg.train") as train:
        closure, blobs, gaps = source_closure(train, root=project.root)
    assert closure is not None
    assert [each.masked for each in closure.files] == [None, None]
    assert list(blobs.values()) == [b""]
    assert gaps == ("code.source: pkg/train.py withheld, it holds what looks like a secret at pkg/train.py:1",)


def test_a_file_that_changed_after_loading_is_a_gap(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train="from pkg import a\n" + TRAIN, pkg__a="value = 1\n")
    with project.loaded("pkg.train") as train:
        memory = SourceMemory()
        code_digest(train, root=project.root, memory=memory)
        assert source_closure(train, root=project.root, memory=memory)[2] == ()
        project.write("pkg/a.py", "value = 2\n")
        closure, blobs, gaps = source_closure(train, root=project.root, memory=memory)
    assert gaps == ("code.source: pkg/a.py changed on disk after this process had loaded it",)
    assert closure is not None
    assert b"value = 2\n" in blobs.values()


def test_a_same_size_edit_with_its_time_put_back_is_seen_at_capture(tmp_path: Path) -> None:
    project = package(tmp_path, pkg__train=TRAIN)
    with project.loaded("pkg.train") as train:
        memory = SourceMemory()
        first = source_closure(train, root=project.root, memory=memory)[0]
        path = project.root / "pkg" / "train.py"
        status = path.stat()
        path.write_text(TRAIN.replace("1", "2"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        second = source_closure(train, root=project.root, memory=memory)[0]
    assert first is not None
    assert second is not None
    assert first.digest != second.digest


def test_importing_this_room_is_light() -> None:
    heavy = "pandas pyarrow numpy sklearn dagster dvc sqlalchemy skops matplotlib rich"
    script = f"import sys, lineage_pipelines.capture; print([m for m in '{heavy}'.split() if m in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


_MODULES = ["m", "p.__init__", "p.a", "p.b", "p.q.__init__", "p.q.c", "p.q.d", "r.e", "r.__init__"]


@st.composite
def _graphs(draw: st.DrawFn) -> dict[str, str]:
    """Modules that import later ones in all ways, each at module level so that a real import runs them."""
    order = draw(st.permutations(_MODULES))
    files = {}
    for position, module in enumerate(order):
        targets = [target.removesuffix(".__init__") for target in draw(st.lists(st.sampled_from(order), max_size=3))]
        lines = [f"name_{position} = 1", *(draw(st.sampled_from(_forms(module, target))) for target in targets)]
        files[module.replace(".", "/") + ".py"] = "\n".join(lines) + "\n"
    return files


def _forms(module: str, target: str) -> list[str]:
    parent, _, last = target.rpartition(".")
    package = module.rpartition(".")[0]
    forms = [f"import {target}", f"import {target} as x", f"def f():\n    import {target}\nf()"]
    if parent:
        forms += [f"from {parent} import {last}", f"from {parent} import {last} as y"]
    if parent and parent == package:
        forms += [f"from . import {last}", f"from .{last} import __name__ as z"]
    if package.count(".") and parent == package.rpartition(".")[0]:
        forms.append(f"from .. import {last}")
    return forms


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(files=_graphs())
def test_the_closure_is_what_python_really_imports(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = SourceProject(Path(os.path.realpath(folder)), files | {"start.py": "import m\n" + TRAIN})
        script = textwrap.dedent("""
            import sys; sys.path.insert(0, ''); import start
            print(*sorted(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)), sep='\\n')
        """)
        command = [sys.executable, "-I", "-S", "-B", "-c", script]
        done = subprocess.run(command, cwd=project.root, check=False, capture_output=True, text=True)
        assume(done.returncode == 0)  # some circles are errors in Python too
        prefix = f"{project.root}{os.sep}"
        imported = [line.removeprefix(prefix) for line in done.stdout.splitlines() if line.startswith(prefix)]
        assert project.reached("start") == sorted(imported)
