"""`make demo`: deliver, change, materialize, five times; release what may be; then show what there is.

Goes on where it was stopped.
"""

import subprocess
import sys
import time
from pathlib import Path

import click

from lineage_pipelines import Catalog, LineageError, NotFoundError, resolve_settings
from lineage_pipelines.flights.story.chapters import CHAPTERS, Chapter
from lineage_pipelines.flights.story.refresh_run import materialize
from lineage_pipelines.flights.story.release_request import ReleaseRequest
from lineage_pipelines.flights.story.story_checkout import Workspace

_MODEL = "flight_delay"
_MODELS = (_MODEL, "expected_minutes")
_PASSED = "all checks passed"
_NEXT = """
What to type next (`source .venv/bin/activate` first):
  make ui                                   the asset graph and every version, in the Dagster UI
  lineage show flight_delay@4 --full        another version, whole
  lineage show flight_delay --format json   the same for programs
  lineage verify                            has anybody changed anything since?
  git log --oneline demo                    what the story committed
"""


def main() -> int:
    """Tell the story from the first chapter that has no version yet."""
    workspace = Workspace(Path.cwd())
    begun = time.monotonic()
    try:
        done = _versions(workspace.root)
        if done < len(CHAPTERS):
            workspace.begin()
        for number, chapter in enumerate(CHAPTERS[done:], start=done + 1):
            _play(workspace, number, chapter)
        released = _release(workspace.root)
        if done < len(CHAPTERS) or released:
            workspace.anchor()
    except LineageError as error:
        click.echo(f"error: {error}", err=True)
        return 3
    click.echo(f"\n{len(CHAPTERS)} versions; this took {time.monotonic() - begun:.0f} s.\n")
    return _show()


def _versions(root: Path) -> int:
    with Catalog(resolve_settings(start=root).catalog) as catalog:
        return len(catalog.entries(_MODEL))


def _show_status(doing: str) -> None:
    """Show on a terminal what is being done, in one line that is written over."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{doing}", err=True, nl=False)


def _show_step(line: str) -> None:
    _show_status("")
    click.echo(f"  {line}")


def _play(workspace: Workspace, number: int, chapter: Chapter) -> None:
    click.secho(f"\nChapter {number}: {chapter.title}", bold=True)
    workspace.change(chapter)
    _show_status("starting Dagster")
    materialize(workspace.root, chapter.config, _show_step, _show_status)
    _show_status("")
    workspace.commit(f"Record what chapter {number} prepared")
    for model in _MODELS:
        click.echo(f"  {model}@{number}: {_verdict(workspace.root, model, number)}")


def _release(root: Path) -> bool:
    """Ask for the versions that somebody wants in production, unless that was decided; return whether one came there.

    The reviewer approves what passed its checks; the policy decides.
    """
    released = False
    for number, chapter in enumerate(CHAPTERS, start=1):
        ref = f"{_MODEL}@{number}"
        if chapter.release and not _is_decided(root, number):
            click.secho(f"\n{ref} for production?", bold=True)
            passed = _verdict(root, _MODEL, number) == _PASSED
            request = ReleaseRequest(root=root, ref=ref, reason=chapter.release)
            released = request.decide(click.echo, approved=passed) or released
    return released


def _is_decided(root: Path, version: int) -> bool:
    with Catalog(resolve_settings(start=root).catalog) as catalog:
        return any(True for _ in catalog.registry.decisions_of(_MODEL, version=version))


def _verdict(root: Path, model: str, version: int) -> str:
    try:
        with Catalog(resolve_settings(start=root).catalog) as catalog:
            entry = catalog.get(model, version)
    except NotFoundError as error:
        raise LineageError(
            f"chapter {version} made no version of {model}", fix="look at the run in `make ui`, then `make demo` again"
        ) from error
    checks = entry.record.evaluation.checks if entry.record.evaluation else ()
    failed = [check.name for check in checks if not check.passed]
    return f"failed {', '.join(failed)}" if failed else _PASSED


def _show() -> int:
    for verb in ("log", "show", "history"):
        click.secho(f"$ lineage {verb} {_MODEL}", bold=True)
        status = subprocess.run([Path(sys.executable).with_name("lineage"), verb, _MODEL], check=False).returncode
        if status > 1:
            return status
        click.echo()
    click.echo(_NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
