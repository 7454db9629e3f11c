"""Main: the command group, and the one place where errors become exit codes."""

import gc
import re
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise

import click
from click.exceptions import NoArgsIsHelpError

from lineage_pipelines import __version__
from lineage_pipelines.cli import (
    approve,
    attribute,
    bisect,
    checkpoint,
    diff,
    doctor,
    history,
    impact,
    import_,
    key,
    log,
    migrate,
    models,
    pin,
    promote,
    purge,
    reconcile,
    reproduce,
    show,
    trace,
    verify,
    what_changed,
)
from lineage_pipelines.cli.session import Session
from lineage_pipelines.errors import LineageError, NotFoundError, RecordError, visible_lines

_BAD_INPUT = 2
_NOT_ANSWERED = 3
_ENDS_EMPTY = re.compile("--[a-z-]+=")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--catalog",
    metavar="URL",
    help="The catalog, sqlite:///PATH or postgresql+psycopg://…; by default LINEAGE_CATALOG, then pyproject.toml.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
@click.version_option(__version__, message="lineage %(version)s")
@click.pass_context
def lineage(context: click.Context, catalog: str | None) -> None:
    """Find out how a model was made: its data, code, parameters and environment.

    A REF is `model@7`, `model` (its latest version), or the first characters of a record digest.

    \b
    Examples:
      lineage models
      lineage log flight_delay
      lineage show flight_delay@4
    """
    context.obj = Session(catalog=catalog)


for verb in (
    models,
    log,
    show,
    diff,
    trace,
    impact,
    what_changed,
    bisect,
    history,
    reproduce,
    attribute,
    verify,
    checkpoint,
    key,
    pin,
    purge,
    reconcile,
    import_,
    migrate,
    doctor,
):
    lineage.add_command(verb.command)
for decision in (approve.command, promote.promote, promote.reject, promote.rollback, promote.retire):
    lineage.add_command(decision)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    if argv is None:
        # A command ends before there is garbage to collect; collecting while SQLAlchemy is imported takes 12 ms.
        gc.set_threshold(100_000, 50, 50)
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    if sys.stdout is None:
        return _say("standard output is closed\n  fix:   nothing was done; run the command without >&-")
    try:
        _refuse_empty(arguments)
        code = lineage.main(arguments, prog_name="lineage", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, NoArgsIsHelpError):  # a group without a verb shows its help
            click.echo(error.format_message(), err=True)
        else:
            _say(_usage_error(error))
        return _BAD_INPUT
    except click.Abort:
        return _say("interrupted")
    except Exception as error:  # noqa: BLE001  # Python's own exit code, 1, means "answered, with findings" here
        return _fail(error, debug=debug)
    return code if isinstance(code, int) else 0


def _usage_error(error: click.ClickException) -> str:
    """Write an error of click as all others are: what, where, and what to do."""
    what = visible_lines(error.format_message()).strip().removesuffix(".")
    what = what[:1].lower() + what[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "lineage"
    return f"{what}\n  where: {command}\n  fix:   {command} --help shows the options, with an example"


def _refuse_empty(arguments: Sequence[str]) -> None:
    # Probably an unset variable of the shell. The default instead could sign with the wrong key, or write to the
    # wrong folder.
    split = (part for word in arguments for part in ((word[:-1], "") if _ENDS_EMPTY.fullmatch(word) else (word,)))
    for option, value in pairwise(split):
        if not value and option.startswith("-") and option != "--":
            raise click.UsageError(f"{option} is empty; is a variable of the shell not set?")


def _fail(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    elif isinstance(error, LineageError):
        _say(str(error))
    else:
        _say(f"{type(error).__name__}: {visible_lines(str(error))}\n  fix:   lineage --debug … shows the traceback")
    return _BAD_INPUT if isinstance(error, NotFoundError | RecordError) else _NOT_ANSWERED


def _say(message: str) -> int:
    click.echo(f"error: {message}", err=True)
    return _NOT_ANSWERED
