"""Replay options of `reproduce` and `attribute`: how past code is run, and the confirmation before that."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from lineage_pipelines.cli.progress import echo_step
from lineage_pipelines.cli.session import echo_note

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.replay.reproduction_run import Options
    from lineage_pipelines.settings import Settings

Function = TypeVar("Function", bound=Callable[..., object])

_OPTIONS = (
    click.option("--yes", is_flag=True, help="Do not ask for confirmation before past code is run."),
    click.option(
        "--environment",
        type=click.Choice(["recorded", "current"]),
        default="recorded",
        show_default=True,
        help="Run with the recorded libraries, or with those installed here.",
    ),
    click.option(
        "--wheels",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder of wheels to search first.",
    ),
    click.option("--offline", is_flag=True, help="Use no package index, only wheels from folders."),
    click.option("--pass-env", metavar="NAME", multiple=True, help="An environment variable to pass on; repeatable."),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True),
        help="Stop a training after this time.",
    ),
)


def replay_options(function: Function) -> Function:
    """Add the options for running past code to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def build_options(
    settings: "Settings",
    artifacts: "ArtifactStore",
    *,
    environment: str,
    wheels: Path | None,
    offline: bool,
    pass_env: Sequence[str],
    timeout: float | None,
) -> "Options":
    """Return the options of a replay: those given, completed from pyproject.toml.

    Args:
        settings: the project's settings.
        artifacts: the artifact store.
        environment: `recorded` or `current`.
        wheels: a folder of wheels.
        offline: whether to use no package index.
        pass_env: variables to pass on.
        timeout: seconds.

    Raises:
        CatalogError: pyproject.toml has an invalid setting.
    """
    from lineage_pipelines.replay.environments import Building
    from lineage_pipelines.replay.replay_settings import read_settings
    from lineage_pipelines.replay.reproduction_run import Options

    declared = read_settings(settings.project_dir)

    def tell(what: str) -> None:
        echo_step(f"{what} …")

    return Options(
        project_dir=settings.project_dir,
        artifacts=artifacts,
        building=Building(wheels=wheels or declared.wheels, index=not offline, tell=tell),
        this_environment=environment == "current",
        pass_on=(*declared.pass_env, *pass_env),
        trusted_types=settings.trusted_types,
        timeout=timeout,
        tell=tell,
    )


_CONFINED = "confined by bubblewrap: without network, your files and keys; it writes to the sandbox's folder only"
_UNCONFINED = (
    "NOT CONFINED, as bubblewrap is not installed or does not work here: it can read and change your files, and use "
    "your keys and the network (apt-get install bubblewrap)"
)


def ask(entries: "Sequence[Entry]", options: "Options", *more: str) -> None:
    """Show which code is going to run, and ask for confirmation.

    Raises:
        UsageError: standard input is not a terminal.
    """
    from lineage_pipelines.replay.confinement import find_bubblewrap

    names = " and ".join(entry.ref for entry in entries)
    echo_note(f"To run {names} again, this code is run on this machine, as your user:")
    for entry in entries:
        echo_note(f"  {_description(entry)}")
    if not options.this_environment:
        counts = " and ".join(f"{entry.record.environment.package_count:,}" for entry in entries)
        echo_note(f"  with the recorded {counts} libraries, installed if need be")
    echo_note(f"  {_UNCONFINED if find_bubblewrap() is None else _CONFINED}")
    for line in more:
        echo_note(f"  {line}")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for confirmation; add --yes to run it")
    click.confirm("Continue?", err=True, abort=True)


def _description(entry: "Entry") -> str:
    code, run = entry.record.code, entry.record.run
    function = code.source.entry if code.source else "unknown"
    revision = f"commit {code.revision[:12]}" if code.revision else "the stored sources"
    patch = " with the uncommitted changes of that time" if code.patch else ""
    who = f"first trained on {run.host} by {run.user or 'unknown'}, {run.started:%Y-%m-%d %H:%M} UTC"
    return f"{function}, from {revision}{patch}; {who}"
