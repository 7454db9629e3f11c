"""Problems: what is wrong with a DVC project, each with its file, its line and a fix."""

from collections.abc import Iterable

from lineage_pipelines.datasets.metafiles.yaml_reader import YamlError
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus


class RefusedError(ValueError):
    """Invalid input; it becomes a problem where its file and line are known."""


def problem(file: str, line: int, what: str, fix: str, *, fatal: bool = True) -> Finding:
    """Return one thing that is wrong with a DVC project.

    Args:
        file: relative to the DVC root.
        line: 1-based; 0 if it is about the whole file.
        what: what is wrong.
        fix: what to do about it.
        fatal: whether it stops the project from loading, as it stops `dvc dag`. Others stop only what they touch.
    """
    status = FindingStatus.FAIL if fatal else FindingStatus.WARN
    places = (line,) if line else ()
    return Finding(kind=FindingKind.DVC_PROJECT, status=status, subject=file, detail=what, fix=fix, places=places)


def problem_of(error: YamlError, *, fatal: bool = True) -> Finding:
    """Return the error of a reader as a problem."""
    return problem(error.file, error.line, error.what, error.fix, fatal=fatal)


def sort_problems(problems: Iterable[Finding]) -> list[Finding]:
    """Sort problems by file and line."""
    return sorted(problems, key=lambda found: (found.subject, tuple(found.places), found.detail, found.fix))


def _position(found: Finding) -> str:
    return ":".join([found.subject, *map(str, found.places)])


def raise_problems(problems: Iterable[Finding], *, root: str) -> None:
    """Raise one error that lists every problem that prevents the project from loading, if there are any.

    Raises:
        DatasetError: there is a fatal problem.
    """
    found = sort_problems(found for found in problems if found.failed)
    if not found:
        return
    if len(found) == 1:
        raise DatasetError(found[0].detail, where=f"{_position(found[0])} (in {root})", fix=found[0].fix)
    listed = "\n".join(f"  {_position(each)}: {each.detail}\n    fix: {each.fix}" for each in found)
    raise DatasetError(f"the DVC project has {len(found)} problems:\n{listed}", where=root, fix="correct each of them")
