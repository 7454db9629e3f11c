"""Command line of the flights pipeline: deliver data, run a stage of dvc.yaml, report on leakage.

Answers go to stdout, all else to stderr. 0: done; 1: done, with findings; 2: usage or bad input; 3: could not be done.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from lineage_pipelines import LineageError
from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.source import check_month

_RAW, _CLEAN, _FEATURES = Path("data/raw"), Path("data/clean"), Path("data/features")
_PARAMS = Path("params.yaml")
_SLOW_SECONDS = 1.5
_Parsed = TypeVar("_Parsed")


def _folder(default: Path, name: str, words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        name, type=click.Path(path_type=Path, file_okay=False), default=default, show_default=True, help=words
    )


def _with(parse: Callable[[str], _Parsed]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback that turns a refused value into a usage error."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401
        try:
            return tuple(map(parse, value)) if isinstance(value, tuple) else parse(value)
        except LineageError as error:
            raise click.BadParameter(str(error)) from error

    return callback


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def flights() -> None:
    """The worked pipeline: will a flight out of New York arrive late?"""


@flights.command()
@click.option(
    "--through", required=True, metavar="MONTH", callback=_with(check_month), help="The newest month: 2013-06."
)
@_folder(_RAW, "--to", "Where the delivery goes.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND:MONTH[:AIRPORT]",
    callback=_with(Fault.parse),
    help="A mistake to make: celsius:2013-07 or duplicates:2013-07:LGA. May be given again.",
)
def deliver(through: str, to: Path, faults: tuple[Fault, ...]) -> None:
    """Deliver the months up to one, as an upstream team would."""
    from lineage_pipelines.flights.delivery.delivery_writer import deliver

    done = deliver(through, to, faults, tell=_Progress())
    counts = f"{len(done.written)} written, {len(done.unchanged)} unchanged, {len(done.removed)} removed"
    click.echo(f"{to}: through {through}, {counts}")


@flights.command()
@_folder(_RAW, "--raw", "The delivery.")
@_folder(_CLEAN, "--into", "Where the tables go.")
def clean(raw: Path, into: Path) -> None:
    """Stage: type the delivery and set cancelled flights aside."""
    from lineage_pipelines.flights.params import read_params
    from lineage_pipelines.flights.preparation.cleaning import CleanSettings, clean

    summary = clean(raw, into, read_params(_PARAMS, "clean", CleanSettings))
    for month, counts in summary.items():
        click.echo(f"{month}: {', '.join(f'{value:,} {name}' for name, value in counts.items())}")


@flights.command()
@_folder(_CLEAN, "--clean", "The tables of the stage clean.")
@_folder(_FEATURES, "--into", "Where the features go.")
def features(clean: Path, into: Path) -> None:
    """Stage: join what is known before departure."""
    from lineage_pipelines.flights.params import read_params
    from lineage_pipelines.flights.preparation.features import FEATURES, FeatureSettings, make_features

    rows = make_features(clean, into, read_params(_PARAMS, "features", FeatureSettings))
    click.echo(f"{into}/flights.parquet: {rows:,} flights with {len(FEATURES)} features")


@flights.command()
@_folder(_FEATURES, "--features", "Where the features are, and the parts go.")
def split(features: Path) -> None:
    """Stage: the newest month tests, the one before it validates, the rest trains."""
    from lineage_pipelines.flights.params import read_params
    from lineage_pipelines.flights.preparation.split import SplitSettings, split

    for part, rows in split(features, read_params(_PARAMS, "split", SplitSettings)).items():
        click.echo(f"{features}/{part}.parquet: {rows:,} flights")


@flights.command()
@_folder(_CLEAN, "--clean", "The tables of the stage clean.")
@_folder(_FEATURES, "--features", "The tables of the stages features and split.")
def leakage(clean: Path, features: Path) -> int:
    """Report since when each feature is known, and whether anything from after departure leaked."""
    from lineage_pipelines.flights.leakage import check_leakage, describe

    report = check_leakage(clean, features)
    for line in describe(report):
        click.echo(line)
    return 1 if report.findings else 0


class _Progress:
    """Says what is under way, once it has taken long enough to wonder."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._begun > _SLOW_SECONDS:
            click.echo(line, err=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        code = flights.main(args=argv, prog_name="python -m lineage_pipelines.flights", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except LineageError as error:
        click.echo(f"error: {error}", err=True)
        return 3
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
