"""Problems: what is wrong with a DVC project, each problem with its file, its line and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from lineage_pipelines.datasets.metafiles.yaml_reader import YamlError
from lineage_pipelines.errors import DatasetError


class RefusedError(ValueError):
    """Input that cannot be; it becomes a `Problem` where its file and line are known."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong."""

    file: str
    """Relative to the DVC root."""
    line: int
    """1-based; 0 when it is about the whole file."""
    what: str
    fix: str
    fatal: bool = True
    """Whether it stops the project from loading, as it stops `dvc dag`. Others stop only what they touch."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}\n    fix: {self.fix}"


def problem_of(error: YamlError, *, fatal: bool = True) -> Problem:
    """Return what a reader refused as a problem."""
    return Problem(error.file, error.line, error.what, error.fix, fatal)


def raise_problems(problems: Iterable[Problem], *, root: str) -> None:
    """Raise one error that tells every problem that stops the project from loading; return when there is none.

    Raises:
        DatasetError: there is one.
    """
    found = sorted(problem for problem in problems if problem.fatal)
    if not found:
        return
    if len(found) == 1:
        place = f"{found[0].file}:{found[0].line}" if found[0].line else found[0].file
        raise DatasetError(found[0].what, where=f"{place} (in {root})", fix=found[0].fix)
    listed = "\n".join(f"  {problem}" for problem in found)
    raise DatasetError(f"the DVC project has {len(found)} problems:\n{listed}", where=root, fix="correct each of them")
