"""`@model_asset`: a plain training function becomes an asset whose every version explains itself."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.capture.sources.closure import code_digest
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import CaptureError, DatasetError
from lineage_pipelines.orchestration.compat import decorated_function, without_beta_warnings
from lineage_pipelines.orchestration.dvc.argument_checks import check_project, check_translator, check_type
from lineage_pipelines.orchestration.dvc.asset_specs import asset_outputs
from lineage_pipelines.orchestration.dvc.translator import DvcNodeData, DvcTranslator
from lineage_pipelines.orchestration.launch_check import check_at_launch
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.retraining.retraining_policy import RetrainingPolicy
from lineage_pipelines.orchestration.training.evaluator import EvaluationFunction, Evaluator
from lineage_pipelines.orchestration.training.function_signature import TrainingSignature, read_signature
from lineage_pipelines.orchestration.training.gates import Gate
from lineage_pipelines.orchestration.training.launch_form import build_parameters, config_class
from lineage_pipelines.orchestration.training.model_definition import (
    ModelDefinition,
    ModelInput,
    check_function,
    check_gates,
    check_inputs,
    check_metric_specs,
    check_retraining,
    check_texts,
)
from lineage_pipelines.orchestration.training.partitions.partition_path import (
    check_partition_paths,
    matching_outputs,
    of_partition,
)
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.records.statement.metric import MetricSpec
from lineage_pipelines.records.values.model_name import check_model_name

TrainingFunction = Callable[..., TrainedModel]
_DEFINITION = "lineage_definition"
"""The attribute of an asset's function that holds the model's definition: Dagster's definitions carry no functions."""


def model_asset(
    *,
    project: DvcProject,
    inputs: Mapping[str, str | Path | ModelInput],
    name: str | None = None,
    key_prefix: Sequence[str] = (),
    checks: Sequence[Gate] = (),
    metrics: Sequence[MetricSpec] = (),
    evaluate: EvaluationFunction | None = None,
    trusted_types: Sequence[str] = (),
    verify: bool = True,
    extra_sources: Sequence[str] = (),
    translator: DvcTranslator | None = None,
    description: str | None = None,
    group_name: str | None = "models",
    owners: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    kinds: Sequence[str] = ("scikitlearn",),
    retraining: RetrainingPolicy | None = None,
    automation_condition: dg.AutomationCondition[Any] | None = None,
    partitions_def: dg.PartitionsDefinition[Any] | None = None,
    retry_policy: dg.RetryPolicy | None = None,
    op_tags: Mapping[str, Any] | None = None,
    pool: str | None = None,
) -> Callable[[TrainingFunction], dg.AssetsDefinition]:
    """Make an asset of a training function.

    The function takes its inputs, as tables or paths, and a parameter class, and returns a `TrainedModel`:

        @model_asset(
            project=project,
            inputs={"train": "data/train.parquet", "test": "data/test.parquet"},
            checks=[threshold(min_roc_auc=0.7), disjoint("train", "test")],
        )
        def churn(train: pd.DataFrame, test: pd.DataFrame, params: ChurnParams) -> TrainedModel: ...

    What was read, which code and libraries ran, with which parameters, how well it did and what else was considered
    is captured around it. The step needs a `LineageResource` called `lineage`.

    Args:
        project: the DVC project that the inputs belong to.
        inputs: argument name to path in the project, a stage output or a tracked file (or part of either);
            `data/monthly/{partition}.parquet` for one that depends on the partition.
        name: the model's name, also the asset's; the function's name by default.
        key_prefix: parts before the name in the asset key.
        checks: gates, each an asset check.
        metrics: which way is better, of metrics whose name does not tell; names of scikit-learn are known.
        evaluate: measures a model without training, for `lineage attribute`: from the estimator, the table that it is
            evaluated on and, if it takes a third, the parameters, to metrics.
        trusted_types: qualified names of types beyond scikit-learn, NumPy and SciPy that the model file may hold.
        verify: whether the model file is loaded in another process after it was saved, and compared with the trained
            model. With False, for a model that skops cannot bring back as it was, the record names a gap.
        extra_sources: files and folders that training reads in addition to its inputs and imports (SQL, templates,
            configuration), relative to the project; they count as code.
        translator: the translator of the project's assets, where it changes their keys.
        description: what the model is for; the function's docstring by default.
        group_name: Dagster group.
        owners: e-mail addresses or `team:…`.
        tags: asset tags.
        kinds: shown as icons.
        retraining: when it is trained again by itself; the code location needs `build_retraining_sensor`.
        automation_condition: Dagster's, instead of `retraining`.
        partitions_def: Dagster's; a run trains one partition, which `context.partition_key` names. Static and dynamic
            ones are compared with the same partition only, windows of time with the one before. An input whose path
            has `{partition}` is that of the partition, others are the same for all.
        retry_policy: Dagster's; a retry of a committed run yields the same version.
        op_tags: tags of the op.
        pool: concurrency pool; by default one for the model, `train_churn`, for one training at a time.

    Raises:
        RecordError: the name cannot be a model's name.
        CaptureError: the function's arguments do not fit `inputs`, an extra source is not there, a parameter default
            cannot be recorded, or a gate compares a metric of unknown direction.
        DatasetError: an input is neither an output nor a tracked file of the project.
    """

    def decorate(function: TrainingFunction) -> dg.AssetsDefinition:
        model = check_model_name(check_function(function, name))
        key = dg.AssetKey([*check_texts("key_prefix", key_prefix), model])
        check_project(project)
        check_translator(translator)
        check_type(verify, bool, "verify", "write verify=False, or leave it out")
        declared = check_inputs(inputs, project)
        gates = check_gates(checks, declared, model)
        check_partition_paths(declared, partitions_def)
        keys = _input_keys(project, declared, translator)
        doc = description or (function.__doc__ or "").strip().split("\n\n")[0] or None
        signature = read_signature(function, list(declared))
        definition = ModelDefinition(
            name=model,
            asset_key=key.to_user_string(),
            function=function,
            signature=signature,
            project=project,
            inputs=declared,
            input_keys={name: next(iter(each.values())).to_user_string() for name, each in keys.items()},
            partition_keys={path: k.to_user_string() for each in keys.values() for path, k in each.items()},
            gates=gates,
            metrics=check_metric_specs(metrics, gates),
            evaluator=Evaluator(function=evaluate, parameters=signature.parameters_class) if evaluate else None,
            description=doc,
            owners=check_texts("owners", owners),
            trusted_types=check_texts("trusted_types", trusted_types),
            verify=verify,
            extra_sources=tuple(project.root / path for path in check_texts("extra_sources", extra_sources)),
            retraining=check_retraining(retraining, automation_condition, partitions_def),
        )
        spec = dg.AssetSpec(
            key=key,
            deps=sorted({key for each in keys.values() for key in each.values()}),
            description=doc,
            group_name=group_name,
            owners=list(owners) or None,
            tags=tags,
            kinds=set(check_texts("kinds", kinds)),
            code_version=_code_version(definition),
            automation_condition=automation_condition,
            partitions_def=partitions_def,
            freshness_policy=retraining.freshness() if retraining else None,
            metadata=_references(function),
        )
        options = {
            "retry_policy": retry_policy,
            "op_tags": op_tags,
            "pool": pool or f"train_{key.to_python_identifier()}",
        }
        return _define(definition, spec, options)

    return decorate


def _code_version(definition: ModelDefinition) -> str:
    root = definition.project.root
    keep = own_folder(root) / "imports.json"
    extra = definition.extra_sources
    return code_digest(
        definition.function, root=find_root(root), extra_sources=extra, memory=definition.memory, keep=keep
    )[:16]


def _input_keys(
    project: DvcProject, inputs: Mapping[str, ModelInput], translator: DvcTranslator | None
) -> dict[str, dict[str, dg.AssetKey]]:
    """Return the assets that each input may lie in, by their paths: one, or with partitions one of several."""
    translator = translator or DvcTranslator()
    outputs = {data.output.path: data for data in asset_outputs(project) if data.output is not None}
    owners = {name: _owners_of(declared.path, outputs, project) for name, declared in inputs.items()}
    return {
        name: {path: translator.get_asset_spec(outputs[path]).key for path in sorted(paths)}
        for name, paths in owners.items()
    }


def _owners_of(path: str, outputs: Mapping[str, DvcNodeData], project: DvcProject) -> tuple[str, ...]:
    found = matching_outputs(path.rstrip("/"), outputs)
    if found:
        return found
    known = ", ".join(sorted(outputs)) or "nothing"
    raise DatasetError(
        f"{path!r} is neither tracked by DVC nor an output of a stage",
        where=str(project.root),
        fix=f"run `dvc add {path}`, or use one of: {known}",
    )


def _references(function: TrainingFunction) -> dict[str, Any]:
    code = inspect.unwrap(function).__code__
    reference = metadata_keys.code_reference(code.co_filename, code.co_firstlineno, function.__qualname__)
    return {metadata_keys.CODE_REFERENCES: reference}


def _define(definition: ModelDefinition, spec: dg.AssetSpec, options: Mapping[str, Any]) -> dg.AssetsDefinition:
    def step(context: dg.AssetExecutionContext, lineage: LineageResource, values: object) -> Iterator[Any]:
        # What a run needs is imported by the run: loading the code location does not wait for it.
        from lineage_pipelines.orchestration.ui.materialization import (
            check_results,
            input_versions,
            model_metadata,
        )

        _check_selected(context, spec.key)
        outcome = _run(definition, context, lineage, values)
        if outcome.repeated:
            _say_skipped(context, definition.name, outcome.entry.ref)
            return
        record = outcome.entry.record
        # Runs can be searched by it in Dagster: `tag:lineage/churn=4`.
        context.instance.add_run_tags(
            context.run.run_id, {metadata_keys.version_tag(definition.name): str(outcome.entry.version)}
        )
        entries = model_metadata(outcome)
        if outcome.trained and outcome.trained.plot and metadata_keys.LINEAGE_PLOT not in entries:
            kilobytes = len(outcome.trained.plot) / 1000
            context.log.warning("the plot of %.0f kB is too large for the asset's page, and left out", kilobytes)
        yield dg.MaterializeResult(
            asset_key=spec.key,
            data_version=dg.DataVersion(record.artifact.digest.hex),
            metadata=entries,
            tags=input_versions(record),
            check_results=[
                result
                for result in check_results(record, spec.key)
                if dg.AssetCheckKey(spec.key, str(result.check_name)) in context.selected_asset_check_keys
            ],
        )
        # Dagster resumes this generator after it has stored the event.
        _mark_delivered(lineage, outcome, context.log.warning)
        lineage.update_mirrors(context.log.warning)

    with without_beta_warnings():
        check_specs = [_check_spec(gate, spec) for gate in definition.gates]
    define = dg.multi_asset(
        name=spec.key.to_python_identifier(),
        specs=[spec],
        check_specs=check_specs,
        # A run that would make the last version again yields nothing, neither the model nor its checks.
        can_subset=definition.retraining is not None,
        **options,
    )
    configured = _with_config(step, definition.signature)
    vars(configured)[_DEFINITION] = definition
    asset = define(configured)
    if (parameters := definition.signature.parameters_class) is not None:
        form = config_class(parameters)
        check_at_launch(asset.op, definition.name, lambda values: build_parameters(parameters, form(**values)))
    return asset


def _check_spec(gate: Gate, spec: dg.AssetSpec) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        gate.name,
        asset=spec.key,
        description=gate.description,
        blocking=gate.blocking,
        partitions_def=spec.partitions_def,
    )


def _check_selected(context: dg.AssetExecutionContext, key: dg.AssetKey) -> None:
    if key not in context.selected_asset_keys:
        what = f"the checks of {key.to_user_string()} are made when it is trained, and the run is for the checks alone"
        raise CaptureError(what, where=f"run {context.run.run_id}", fix="materialize the model, with its checks")


def _say_skipped(context: dg.AssetExecutionContext, model: str, ref: str) -> None:
    why = f"same recipe as {ref}: inputs, source, parameters, seed and packages"
    context.log.info("%s is not trained: %s. Launch a run yourself for a new version", model, why)
    context.instance.add_run_tags(context.run.run_id, {f"{metadata_keys.NOT_TRAINED}{model}": why})


def find_definition(asset: dg.AssetsDefinition) -> ModelDefinition | None:
    """Return what the author of a model asset declared; None for an asset of another kind."""
    found = getattr(decorated_function(asset), _DEFINITION, None)
    return found if isinstance(found, ModelDefinition) else None


def _with_config(step: Callable[..., Iterator[Any]], signature: TrainingSignature) -> Callable[..., Iterator[Any]]:
    parameters = signature.parameters_class
    if parameters is None:

        def without(context: dg.AssetExecutionContext, lineage: LineageResource) -> Iterator[Any]:
            yield from step(context, lineage, None)

        return without

    def configured(context: dg.AssetExecutionContext, config: dg.Config, lineage: LineageResource) -> Iterator[Any]:
        yield from step(context, lineage, build_parameters(parameters, config))

    # Dagster reads the launch form off the annotation.
    configured.__annotations__["config"] = config_class(parameters)
    return configured


def _mark_delivered(lineage: LineageResource, outcome: Outcome, warn: Callable[[str], None]) -> None:
    from lineage_pipelines.catalog.outbox.outbox import DAGSTER
    from lineage_pipelines.errors import CatalogError

    try:
        with lineage.open_catalog() as catalog:
            catalog.outbox.mark_delivered(DAGSTER, [outcome.entry])
    except CatalogError as error:  # the version and its event are there; `lineage reconcile` sees that, too
        warn(f"the catalog could not be updated: {outcome.entry.ref} has its event: {error.what}")


def _run(
    definition: ModelDefinition, context: dg.AssetExecutionContext, lineage: LineageResource, values: object
) -> Outcome:
    from lineage_pipelines.orchestration.training.run_facts import read_run_facts
    from lineage_pipelines.orchestration.training.training_step import TrainingStep

    facts = read_run_facts(context)  # first: a run that is refused leaves no catalog behind
    settings = lineage.settings()
    partitions = context.assets_def.partitions_def
    with lineage.open_catalog() as catalog:
        step = TrainingStep(
            definition=of_partition(definition, partitions, facts.run.partition),
            settings=settings,
            catalog=catalog,
            artifacts=lineage.open_artifacts(),
            facts=facts,
            log=context.log.info,
            context=context,
        )
        return step.run(values)
