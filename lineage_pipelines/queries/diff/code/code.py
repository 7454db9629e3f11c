"""Code changes: the source files of training that differ, and the commits between two versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lineage_pipelines.queries.diff.alignment import Pair, kind_of, paired
from lineage_pipelines.queries.diff.changes import CodeChange, FileChange, Kind, StageChange
from lineage_pipelines.queries.diff.stored_sources import Blobs, read_blob
from lineage_pipelines.records.statement.code import CodeVersion, SourceFile
from lineage_pipelines.records.statement.lineage_record import LineageRecord

_MAX_LINES = 8_000
"""Of all diffs together; beyond it, a file's diff has only its length."""


def compare_code(
    first: LineageRecord, second: LineageRecord, blobs: Blobs, repository: Path | None = None
) -> CodeChange:
    """Compare the stored sources of two versions, uncommitted work included, for they are what ran.

    It is identical when files, entry point, revision and uncommitted work all are. Where the revision differs and no
    file does, the code that training reaches is the same.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: the stored sources.
        repository: any folder of a Git repository: for the commits between, and for sources that are stored no more.
            None to ask Git nothing. Git is not asked either where the revisions are equal and no source is missing.
    """
    before, after = first.code, second.code
    change = CodeChange(
        identical=_same(before, after),
        revision=(before.revision, after.revision),
        dirty=(before.dirty, after.dirty),
        entry=(_entry(before), _entry(after)),
        patched=before.patch != after.patch,
    )
    if change.identical:
        same = tuple(sorted(file.path for file in before.source.files)) if before.source else ()
        return replace(change, unchanged=len(same), same=same)
    commits, count = _commits(before, after, repository)
    change = replace(change, commits=commits, commit_count=count)
    if before.source is None or after.source is None:
        return replace(change, weaker=_unknown(before, after))
    pairs = paired(before.source.files, after.source.files, lambda file: file.path)
    changed = [pair for pair in pairs if _differs(pair)]
    same = tuple(sorted(pair.name for pair in pairs if not _differs(pair)))
    contents = _Contents(changed, before, after, blobs, repository)
    files = tuple(_file_changes(changed, contents))
    return replace(change, files=files, unchanged=len(same), same=same, weaker=contents.weaker())


def compare_other_files(first: LineageRecord, second: LineageRecord, repository: Path | None) -> tuple[FileChange, ...]:
    """Return the files that differ between the two commits and that no recorded part reaches.

    A part is the source closure of the training, what a preparation step declares, or data: metafiles of DVC are no
    files of their own. Documents are left out.

    Args:
        first: the version on the left.
        second: the version on the right.
        repository: any folder of the Git repository; None for no answer.
    """
    before, after = first.code, second.code
    if repository is None or before.revision == after.revision:
        return ()
    from lineage_pipelines.queries.diff.code.commits import changed_paths, committed_files

    reached = {file.path for code in (before, after) if code.source for file in code.source.files}
    stages = [stage for record in (first, second) for stage in record.stages]
    reached |= {dep.path for stage in stages for dep in stage.deps}
    changed = changed_paths(repository, before.revision, after.revision)
    folders = tuple(f"{path}/" for path in reached)
    unreached = [path for path in changed if path not in reached and not path.startswith(folders)]
    others = [path for path in unreached if is_opened(path, first, second) or not _is_aside(path)]
    recorded = {file for file, values in _params(first).items() if values != _params(second).get(file)}
    others = [path for path in others if path not in recorded][:_MAX_OTHERS]
    if not others:
        return ()
    sides = [committed_files(repository, code.revision, dict.fromkeys(others, "")) for code in (before, after)]
    return tuple(_file_change(path, sides[0].get(path), sides[1].get(path)) for path in others)


def is_opened(path: str, *records: LineageRecord) -> bool:
    """Return whether training was seen to open a file that no record declares."""
    named = {name for record in records if record.run.undeclared for name in record.run.undeclared.files}
    return path in named or path.startswith(tuple(name for name in named if name.endswith("/")))


_MAX_OTHERS = 20
_DOCUMENTS = (".md", ".rst", ".txt", ".gitignore", ".dvc", "dvc.lock", "dvc.yaml", ".dvcignore", ".lock")


def _is_aside(path: str) -> bool:
    return path.endswith(_DOCUMENTS) or path.startswith((".dvc/", "docs/", ".github/"))


def _params(record: LineageRecord) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for stage in record.stages:
        for file, values in stage.params.items():
            found.setdefault(file, {})[stage.name] = values
    return found


def _file_change(path: str, before: bytes | None, after: bytes | None, *, max_lines: int | None = None) -> FileChange:
    """Compare the two contents of one file; None where it is not there."""
    from lineage_pipelines.queries.diff.code.source_diff import MAX_LINES, diff_texts, same_code

    kind = kind_of(before, after)
    diff = diff_texts(path, before, after, max_lines=MAX_LINES if max_lines is None else max_lines)
    layout = kind is Kind.CHANGED and path.endswith(".py") and same_code(before or b"", after or b"")
    return FileChange(path=path, kind=kind, patch=diff.patch, lines=(diff.added, diff.removed), only_layout=layout)


def compare_step_code(
    stages: Sequence[StageChange], first: LineageRecord, second: LineageRecord, repository: Path | None
) -> tuple[StageChange, ...]:
    """Add the lines of the code of preparation steps that differs, where Git has the very files that were read."""
    if repository is None or not any(stage.code for stage in stages):
        return tuple(stages)
    from lineage_pipelines.queries.diff.code.commits import committed_files

    contents = []
    for record in (first, second):
        digests = {
            dep.path: dep.digest.sha256 or dep.digest.md5 or ""
            for stage in record.stages
            for dep in stage.deps
            if dep.origin == "git"
        }
        wanted = {path for stage in stages for path in map(_unmarked, stage.code)}
        expected = {path: digest for path, digest in digests.items() if digest and path in wanted}
        contents.append(committed_files(repository, record.code.revision, expected))
    return tuple(replace(stage, sources=_step_files(stage, *contents)) for stage in stages)


def _unmarked(marked: str) -> str:
    return marked[2:]


def _step_files(stage: StageChange, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    paths = [
        (mark[0], _unmarked(mark))
        for mark in stage.code
        if (mark[0] == "+" or _unmarked(mark) in before) and (mark[0] == "-" or _unmarked(mark) in after)
    ]
    return tuple(_file_change(path, before.get(path), after.get(path)) for _, path in paths)


def _entry(code: CodeVersion) -> str | None:
    return code.source.entry if code.source is not None else None


def _same(before: CodeVersion, after: CodeVersion) -> bool:
    parts = [
        (code.revision, code.dirty, code.patch, (code.source.entry, code.source.files) if code.source else None)
        for code in (before, after)
    ]
    return parts[0] == parts[1]


def _commits(before: CodeVersion, after: CodeVersion, repository: Path | None) -> tuple[tuple[str, ...], int]:
    if repository is None or before.revision == after.revision:
        return (), 0
    from lineage_pipelines.queries.diff.code.commits import commits_between

    return commits_between(repository, before.revision, after.revision)


def _unknown(before: CodeVersion, after: CodeVersion) -> str:
    if before.source is None and after.source is None:
        return "no source files are recorded with either version"
    side = "first" if before.source is None else "second"
    return f"no source files are recorded with the {side} version"


def _differs(pair: Pair[SourceFile]) -> bool:
    return pair.before is None or pair.after is None or pair.before.sha256 != pair.after.sha256


class _Contents:
    """The bytes of the changed files: from the store, else from Git where it has the very same."""

    def __init__(
        self,
        changed: Sequence[Pair[SourceFile]],
        before: CodeVersion,
        after: CodeVersion,
        blobs: Blobs,
        repository: Path | None,
    ) -> None:
        firsts = [pair.before for pair in changed if pair.before is not None]
        seconds = [pair.after for pair in changed if pair.after is not None]
        self._known = {
            **_read(firsts, blobs, before.revision, repository),
            **_read(seconds, blobs, after.revision, repository),
        }
        self._missing = sorted({file.path for file in (*firsts, *seconds) if file.sha256 not in self._known})

    def of(self, file: SourceFile | None) -> bytes | None:
        return self._known.get(file.sha256) if file is not None else None

    def weaker(self) -> str:
        count = len(self._missing)
        if not count:
            return ""
        named = self._missing[0] if count == 1 else f"{count:,} changed files"
        return f"the source of {named} is kept neither in the store nor in Git, so that it cannot be shown"


def _read(
    files: Sequence[SourceFile], blobs: Blobs, revision: str | None, repository: Path | None
) -> Mapping[str, bytes]:
    """Contents by their SHA-256."""
    # A masked copy first: the file itself, in Git, holds what must not be shown.
    stored = {file.sha256: read_blob(blobs, file.masked.hex if file.masked else file.sha256) for file in files}
    known = {sha256: data for sha256, data in stored.items() if data is not None}
    lost = {file.path: file.sha256 for file in files if file.sha256 not in known}
    if not lost or repository is None:
        return known
    from lineage_pipelines.queries.diff.code.commits import committed_files

    found = committed_files(repository, revision, lost)
    return known | {lost[path]: data for path, data in found.items()}


def _file_changes(changed: Sequence[Pair[SourceFile]], contents: _Contents) -> Iterator[FileChange]:
    from lineage_pipelines.queries.diff.code.source_diff import MAX_LINES

    left = _MAX_LINES
    for pair in sorted(changed, key=lambda pair: pair.name):
        before, after = contents.of(pair.before), contents.of(pair.after)
        if (before is None and pair.before is not None) or (after is None and pair.after is not None):
            yield FileChange(path=pair.name, kind=kind_of(pair.before, pair.after))
            continue
        change = _file_change(pair.name, before, after, max_lines=min(MAX_LINES, max(left, 0)))
        left -= change.patch.count("\n")
        yield change
