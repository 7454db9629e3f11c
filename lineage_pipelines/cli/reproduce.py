"""`lineage reproduce REF`: train a version again, outside the workspace, and compare the results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage_pipelines.cli.replay_options import ask, build_options, replay_options
from lineage_pipelines.cli.session import Session, answer, format_option, full_option

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.records.decisions.reproduction import Reproduction
    from lineage_pipelines.replay.reproduction_run import Options


@click.command("reproduce")
@click.argument("ref", required=False)
@click.option("--check", is_flag=True, help="Only check that it is possible (R1 and R2), without training.")
@click.option("--with", "substitutes", metavar="NAME=FILE", multiple=True, help="Replace the file of an input.")
@click.option("--tolerance", "tolerances", metavar="METRIC=NUMBER", multiple=True, help="How far a metric may differ.")
@click.option(
    "--keep", metavar="FOLDER", type=click.Path(path_type=Path), help="Keep the sandbox in this folder, for inspection."
)
@click.option("--no-store", is_flag=True, help="Do not record the verdict in the log.")
@replay_options
@full_option("List every difference, and every metric that moved.")
@format_option
@click.pass_obj
def command(
    session: Session,
    /,
    ref: str | None,
    *,
    check: bool,
    yes: bool,
    no_store: bool,
    full: bool,
    form: str,
    **given: Any,  # noqa: ANN401  # the options, as `_options` takes them
) -> int:
    """Rebuild the run of REF in a sandbox, train it again, and report the level of agreement, R0 to R5.

    Source code, libraries and data are those of the record; workspace, Git, DVC and the records are not changed. The
    verdict is recorded in the log. Exits with 0 if the model is the same, else with 1. With --check and no REF, every
    version that is or ever was in production is checked.

    \b
    Examples:
      lineage reproduce flight_delay@4
      lineage reproduce flight_delay@production --yes --tolerance roc_auc=0.002
      lineage reproduce --check
    """
    from lineage_pipelines.replay.reproduction_run import reproduce
    from lineage_pipelines.reports.views.reproduce import (
        checked_document,
        checked_json,
        reproduction_document,
        reproduction_json,
    )

    if ref is None and not check:
        raise click.UsageError("name a version, or add --check for all that are or ever were in production")
    with session.open_catalog() as catalog:
        entries = _entries(catalog, ref)
        options = _options(session, catalog, entries, check=check, **given)
    if not check and not yes:
        ask(entries, options)
    results = [reproduce(entry, options) for entry in entries]
    if ref is None:
        answer(
            form,
            document=lambda: checked_document(results),
            plain=lambda: checked_json(results),
            full=full,
        )
        return 1 if any(each.differs for each in results) else 0
    result = results[0]
    seq = None if check or no_store or options.substitutes else _store(session, result)
    answer(
        form,
        document=lambda: reproduction_document(result, seq, full=full),
        plain=lambda: reproduction_json(result, seq),
        full=full,
    )
    return 1 if result.differs and not result.is_exact else 0


def _entries(catalog: "Catalog", ref: str | None) -> "Sequence[Entry]":
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.records.values.model_name import PRODUCTION

    if ref is not None:
        return [resolve(catalog, ref)]
    return [catalog.get(model, version) for model, version in catalog.index.alias_versions(PRODUCTION)]


def _options(
    session: Session,
    catalog: "Catalog",
    entries: "Sequence[Entry]",
    *,
    check: bool,
    substitutes: Sequence[str],
    tolerances: Sequence[str],
    keep: Path | None,
    **given: Any,  # noqa: ANN401  # as `build_options` takes them
) -> "Options":
    from lineage_pipelines.replay.replay_settings import check_tolerance, find_tolerances, read_settings

    settings = session.settings()
    declared = read_settings(settings.project_dir).tolerance
    given_tolerances = {
        name: check_tolerance(name, _number(value), "--tolerance") for name, value in _pairs(tolerances)
    }
    options = build_options(settings, session.open_artifacts(catalog), **given)
    if entries and not check:
        options = replace(
            options, tolerances=find_tolerances(catalog, entries[0].model, {**declared, **given_tolerances})
        )
    with_ = {name: Path(path) for name, path in _pairs(substitutes)}
    return replace(options, check_only=check, substitutes=with_, keep=keep)


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words]
    for name, mark, value in pairs:
        if not (name and mark and value):
            raise click.BadParameter(f"write NAME=VALUE, not {name + mark + value!r}")
    return [(name, value) for name, _, value in pairs]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _store(session: Session, result: "Reproduction") -> int:
    from lineage_pipelines.records.decisions.reproduction import encode_reproduction

    with session.open_for_writing() as catalog:
        return catalog.registry.attach("reproduction", encode_reproduction(result), about=[result.record])
