"""Replay options of `reproduce` and `attribute`: how code of the past is run, and the consent to run it."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from lineage_pipelines.cli.progress import echo_step

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.replay.reproduction_run import Options
    from lineage_pipelines.settings import Settings

Function = TypeVar("Function", bound=Callable[..., object])

_OPTIONS = (
    click.option("--yes", is_flag=True, help="Do not ask before code of the past is run."),
    click.option(
        "--environment",
        type=click.Choice(["recorded", "current"]),
        default="recorded",
        show_default=True,
        help="Which libraries to run with: rebuilt from the record, or those that are installed here.",
    ),
    click.option(
        "--wheels",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder of wheels that is looked in first.",
    ),
    click.option("--offline", is_flag=True, help="Ask no package index: what is in no folder of wheels is gone."),
    click.option("--pass-env", metavar="NAME", multiple=True, help="An environment variable that training needs."),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True),
        help="Give up a training after this.",
    ),
)


def replay_options(function: Function) -> Function:
    """Give a verb the options by which code of the past is run."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def build_options(
    settings: "Settings",
    *,
    environment: str,
    wheels: Path | None,
    offline: bool,
    pass_env: Sequence[str],
    timeout: float | None,
) -> "Options":
    """Return how versions are run again: what was given, then what pyproject.toml says.

    Raises:
        CatalogError: pyproject.toml has a setting that cannot be used.
    """
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.replay.environments import Building
    from lineage_pipelines.replay.replay_settings import read_settings
    from lineage_pipelines.replay.reproduction_run import Options

    said = read_settings(settings.project_dir)

    def tell(what: str) -> None:
        echo_step(f"{what} …")

    return Options(
        project_dir=settings.project_dir,
        artifacts=ArtifactStore(settings.artifacts),
        building=Building(wheels=wheels or said.wheels, index=not offline, tell=tell),
        this_environment=environment == "current",
        pass_on=(*said.pass_env, *pass_env),
        timeout=timeout,
        tell=tell,
    )


def ask(entries: "Sequence[Entry]", options: "Options", *more: str) -> None:
    """Say which code is going to run, and ask.

    Raises:
        UsageError: there is nobody to ask.
    """
    names = " and ".join(entry.ref for entry in entries)
    click.echo(f"To run {names} again, code of the past is run on this machine, as you:", err=True)
    for entry in entries:
        click.echo(f"  {_said(entry)}", err=True)
    if not options.this_environment:
        counts = " and ".join(f"{entry.record.environment.package_count:,}" for entry in entries)
        click.echo(f"  with the recorded {counts} libraries, installed if need be", err=True)
    for line in more:
        click.echo(f"  {line}", err=True)
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked; --yes says that it may run")
    click.confirm("Go on?", err=True, abort=True)


def _said(entry: "Entry") -> str:
    code, run = entry.record.code, entry.record.run
    function = code.source.entry if code.source else "unknown"
    revision = f"commit {code.revision[:12]}" if code.revision else "the stored sources"
    patch = " with the uncommitted changes of that day" if code.patch else ""
    who = f"trained first on {run.host} by {run.user or 'unknown'}, {run.started:%Y-%m-%d %H:%M} UTC"
    return f"{function}, from {revision}{patch}; {who}"
