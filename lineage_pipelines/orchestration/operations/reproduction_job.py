"""Reproduction job: `lineage reproduce` in Dagster, from a launch form."""

from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from lineage_pipelines.errors import visible
from lineage_pipelines.orchestration.launch_check import check_at_launch
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.ui import metadata_keys

if TYPE_CHECKING:
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.records.decisions.reproduction import Reproduction
    from lineage_pipelines.replay.reproduction_run import Options


class ReproductionForm(dg.Config):
    """What is asked when a version is run again."""

    ref: str = Field(min_length=1, description="The version, as flight_delay@4 or flight_delay@production.")
    check_only: bool = Field(default=False, description="Only check that it is possible, without training.")
    environment: Literal["recorded", "current"] = Field(
        default="recorded", description="The libraries to train with: the recorded ones, or those of this process."
    )
    timeout_minutes: float | None = Field(
        default=None, gt=0, description="Stop the training after this time; no limit if empty. Greater than 0."
    )


def build_reproduce_job(*, name: str = "reproduce_version") -> dg.JobDefinition:
    """Return the job that trains a version again in a sandbox and compares the results. It needs `lineage`.

    Past code is run on the machine of the run, confined where bubblewrap works. The verdict is stored in the log and
    shown on the step. A version that comes out as another one is an answer: the run succeeds, with a warning.
    """

    @dg.op
    def reproduce(context: dg.OpExecutionContext, config: ReproductionForm, lineage: LineageResource) -> None:
        _reproduce(context, config, lineage)

    check_at_launch(reproduce, name, lambda values: ReproductionForm(**values))

    @dg.job(name=name, description=_DESCRIPTION)
    def job() -> None:
        reproduce()

    return job


_DESCRIPTION = "Run a version again from its own data, code and libraries: is it still the same model?"


def _reproduce(context: dg.OpExecutionContext, form: ReproductionForm, lineage: LineageResource) -> None:
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.records.decisions.reproduction import encode_reproduction
    from lineage_pipelines.replay.reproduction_run import reproduce
    from lineage_pipelines.reports.views.reproduce import verdict

    with lineage.open_catalog() as catalog:
        entry = resolve(catalog, form.ref)
        found = reproduce(entry, _options(context, form, lineage, catalog, entry))
        stored = not form.check_only
        body = encode_reproduction(found)
        seq = catalog.registry.attach("reproduction", body, about=[found.record]) if stored else None
    for difference in found.differs:
        context.log.warning("%s: %s", entry.ref, visible(difference))
    context.log.info("%s", visible(verdict(found)))
    context.add_output_metadata(
        metadata_keys.without_none(
            {
                "reproduction/verdict": dg.MetadataValue.text(verdict(found)),
                "reproduction/steps": _steps(found),
                "reproduction/entry": seq,
            }
        )
    )


def _steps(found: "Reproduction") -> dg.TableMetadataValue | None:
    return metadata_keys.table(
        {"level": f"{each.level} {each.level.meaning}", "reached": each.reached, "detail": each.detail[:300]}
        for each in found.steps
    )


def _options(
    context: dg.OpExecutionContext, form: ReproductionForm, lineage: LineageResource, catalog: "Catalog", entry: "Entry"
) -> "Options":
    from lineage_pipelines.replay.environments import Building
    from lineage_pipelines.replay.replay_settings import find_tolerances, read_settings
    from lineage_pipelines.replay.reproduction_run import Options

    settings = lineage.settings()
    declared = read_settings(settings.project_dir)

    def log(what: str) -> None:
        context.log.info("%s …", visible(what))

    return Options(
        project_dir=settings.project_dir,
        artifacts=lineage.open_artifacts(),
        check_only=form.check_only,
        building=Building(wheels=declared.wheels, tell=log),
        this_environment=form.environment == "current",
        tolerances=find_tolerances(catalog, entry.model, declared.tolerance),
        pass_on=declared.pass_env,
        trusted_types=settings.trusted_types,
        timeout=form.timeout_minutes * 60 if form.timeout_minutes is not None else None,
        tell=log,
    )
