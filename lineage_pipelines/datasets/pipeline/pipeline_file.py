"""Pipeline file: one dvc.yaml: checked against DVC's schema, resolved by DVC stage by stage, drafted by us.

Goes on after a mistake wherever it can, so that one load tells all of them.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lineage_pipelines.datasets.dvc_api import DvcView, Invalid, Templates
from lineage_pipelines.datasets.metafiles.problems import RefusedError, problem
from lineage_pipelines.datasets.metafiles.yaml_reader import Document
from lineage_pipelines.datasets.pipeline.node_builder import Draft, Drafter
from lineage_pipelines.records.values.finding import Finding

T = TypeVar("T")

_PREAMBLE = re.compile(r"failed to parse (?:stage )?'(?P<where>[^']*)' in '[^']*':\s*")
_FIXES = {
    "Could not find": "define it in params.yaml or under `vars`",
    "does not exist": "create the file, or take it out of `vars`",
}
_CORRECT = "correct the definition"
_EXTRA = "extra keys not allowed"
_BEFORE_1 = "DVC wrote this before 1.0, and DVC 3 refuses it"
_OLD_KEYS = {
    "cmd": "move the stage to dvc.yaml: `dvc stage add` takes the same command, dependencies and outputs",
    "metric": "delete the line; a stage in dvc.yaml lists its metrics under `metrics`",
    "plot": "delete the line; a stage in dvc.yaml lists its plots under `plots`",
    "params": "move the stage to dvc.yaml, with its `params`",
}
"""What `.dvc` files held when they were stages too."""


class PipelineFile:
    """Reads one dvc.yaml.

    Args:
        view: the open project.
        drafter: makes the drafts.
        document: the parsed file; its name is relative to the DVC root.
    """

    def __init__(self, view: DvcView, drafter: Drafter, document: Document) -> None:
        self._view = view
        self._drafter = drafter
        self._document = document
        self._file = document.file
        self._folder = posixpath.dirname(f"{view.root}/{document.file}")
        self.problems: list[Finding] = []
        self.inputs: set[str] = set()
        """Absolute paths of the files that templating looks at, whether they exist or not."""

    def drafts(self) -> Iterator[Draft]:
        """Yield every stage that can be resolved; the others are among the problems afterwards."""
        value = self._fitting()
        self.inputs.update(_vars_files(value.get("vars"), self._folder), [f"{self._folder}/params.yaml"])
        if missing := list(self._missing_vars(value.get("vars"))):
            # DVC stops at the first.
            self.problems.extend(missing)
            return
        templates = self._attempt(("vars",), "vars", lambda: self._view.templates(self._folder, value))
        if templates is None:
            return
        for section, resolve in templates.top_level():
            self._attempt((section,), section, resolve)
        for definition in templates.definitions():
            where, title = ("stages", definition), f"stage {definition!r}"
            names = self._attempt(where, title, partial(templates.names, definition))
            for name in names or ():
                yield from self._stage(templates, definition, name)

    def _missing_vars(self, items: object) -> Iterator[Finding]:
        for index, item in enumerate(items if isinstance(items, list) else []):
            for path in _vars_files([item], self._folder):
                if not Path(path).exists():
                    what = f"vars: {posixpath.relpath(path, self._view.root)!r} does not exist"
                    line = self._document.line("vars", index)
                    yield problem(self._file, line, what, _FIXES["does not exist"])

    def _stage(self, templates: Templates, definition: str, name: str) -> Iterator[Draft]:
        where = ("stages", definition)

        def draft() -> Draft:
            data = templates.resolve(name)
            raw = self._document.value["stages"][definition]
            folder = posixpath.normpath(posixpath.join(self._folder, data.get("wdir") or "."))
            self.inputs.update(_vars_files((raw.get("do") or raw).get("vars"), folder))
            return self._drafter.stage(self._file, name, self._document.line(*where), data)

        drafted = self._attempt(where, f"stage {name!r}", draft)
        if drafted is not None:
            yield drafted

    def _attempt(self, where: tuple[str, ...], title: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except RefusedError as error:
            self.problems.append(self._refusal(where, title, str(error)))
            return None

    def _refusal(self, where: tuple[str, ...], title: str, message: str) -> Finding:
        match = _PREAMBLE.match(message)
        reason = " ".join((message[match.end() :] if match else message).split())
        key = match["where"].rpartition(".")[2] if match else ""
        whole, line = self._document.line(*where), self._document.line(*where, key)
        if key and line == whole:
            line = self._document.line(*where, "do", key)
        what = f"{title}: {key}: {reason}" if key and key not in title else f"{title}: {reason}"
        return problem(self._file, line, what, next((fix for text, fix in _FIXES.items() if text in reason), _CORRECT))

    def _fitting(self) -> dict[str, Any]:
        """Report what violates the schema, and return the rest."""
        bad = self._view.invalid_pipeline(self._document.value)
        self.problems.extend(misfits(self._document, bad))
        if not isinstance(self._document.value, dict):
            return {}
        bad_stages = {item.path[1] for item in bad if item.path[:1] == ("stages",) and len(item.path) > 1}
        bad_sections = {item.path[0] for item in bad if item.path and (item.path[0] != "stages" or len(item.path) == 1)}
        value = {key: section for key, section in self._document.value.items() if key not in bad_sections}
        if bad_stages and "stages" in value:
            value["stages"] = {name: stage for name, stage in value["stages"].items() if name not in bad_stages}
        return value


def misfits(document: Document, bad: Sequence[Invalid]) -> Iterator[Finding]:
    """Yield what does not fit DVC's schema as problems."""
    for item in bad:
        name = ".".join(str(part) for part in item.path)
        message, fix = item.message, _CORRECT
        if document.file.endswith(".dvc") and item.message == _EXTRA and item.path[-1] in _OLD_KEYS:
            message, fix = _BEFORE_1, _OLD_KEYS[item.path[-1]]
        what = f"{name}: {message}" if name else message
        yield problem(document.file, document.line(*item.path), what, fix)


def _vars_files(items: object, folder: str) -> Iterator[str]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            yield posixpath.normpath(posixpath.join(folder, item.partition(":")[0]))
