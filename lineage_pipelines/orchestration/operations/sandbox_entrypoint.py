"""Sandbox entry point: materializes one model asset with the sandbox's own Python. Run as a file, never imported.

The sandbox may hold another release of this library, so it uses what every release has: Dagster and the public names of
the package. Its instructions are in the JSON file that its command line names.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg


def _main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    _end_with_parent(plan["lifeline"])
    _use_cpus(plan["cpus"])
    asset = _find_asset(plan)
    if "evaluate" in plan:
        return _evaluate(plan, asset)
    with dg.DagsterInstance.ephemeral() as instance:
        _add_dynamic_partitions(instance, asset.partitions_def, plan["partition"])
        result = dg.materialize(
            [asset],
            instance=instance,
            partition_key=plan["partition"],
            resources={"lineage": _resource(plan["project"])},
            run_config=_run_config(asset, plan["parameters"]),
            raise_on_error=False,
        )
        failed = [_message(event.event_specific_data) for event in result.all_events if event.is_step_failure]
    Path(plan["result"]).write_text(json.dumps({"failed": failed}), encoding="utf-8")
    return 0


def _evaluate(plan: Mapping[str, Any], asset: dg.AssetsDefinition) -> int:
    """Measure each model on each table, as the asset's author does; nothing is trained."""
    from lineage_pipelines.artifacts.model_file import load_model_file
    from lineage_pipelines.capture.tables.table_capture import read_table
    from lineage_pipelines.orchestration.training.model_asset import find_definition

    tables = {name: read_table(Path(path)) for name, path in plan["evaluate"]["tables"].items()}
    definition = find_definition(asset)
    evaluator = definition.evaluator if definition else None
    found: dict[str, Any] = {}
    for name, model in plan["evaluate"]["models"].items():
        estimator = load_model_file(Path(model["path"]), trusted_types=model["trusted_types"])
        for each, table in tables.items():
            found[f"{name} on {each}"] = evaluator.measure(estimator, table, model["parameters"]) if evaluator else None
    Path(plan["result"]).write_text(json.dumps({"failed": [], "measured": found}), encoding="utf-8")
    return 0


def _end_with_parent(handle: int) -> None:
    """End this process group when its parent is gone, for whatever reason: the pipe is closed then."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            os.read(handle, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _use_cpus(count: int | None) -> None:
    if count is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def _add_dynamic_partitions(instance: dg.DagsterInstance, definition: Any, key: str | None) -> None:  # noqa: ANN401
    """Add the key of a dynamic partition to the instance: a new one has none, and Dagster would not know the key."""
    dimensions = [(definition, key)]
    if isinstance(definition, dg.MultiPartitionsDefinition) and key is not None:
        keys = definition.get_partition_key_from_str(key).keys_by_dimension
        dimensions = [(each.partitions_def, keys[each.name]) for each in definition.partitions_defs]
    for dimension, name in dimensions:
        if isinstance(dimension, dg.DynamicPartitionsDefinition) and dimension.name is not None and name is not None:
            instance.add_dynamic_partitions(dimension.name, [name])


def _message(failure: Any) -> str:  # noqa: ANN401  # Dagster's, of any release
    error = getattr(failure, "error", None)
    while error is not None and getattr(error, "cause", None) is not None:
        error = error.cause
    return str(error.message).strip() if error is not None else "the step failed"


def _find_asset(plan: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Return the asset as the project defines it; else one made of the function itself."""
    module = importlib.import_module(plan["module"])
    for found in (*_assets_of(vars(module).values()), *_defined(plan["definitions"])):
        if plan["asset_key"] in [key.to_user_string() for key in found.keys]:
            return found
    return _asset_of_function(module, plan)


def _assets_of(values: Any) -> Iterator[dg.AssetsDefinition]:  # noqa: ANN401
    yield from (value for value in values if isinstance(value, dg.AssetsDefinition))


def _defined(names: Sequence[str]) -> Iterator[dg.AssetsDefinition]:
    for name in names:
        try:
            module = importlib.import_module(name)
        except ImportError:  # it had another name then
            continue
        for value in vars(module).values():
            if isinstance(value, dg.Definitions):
                yield from _assets_of(value.assets or ())


def _asset_of_function(module: Any, plan: Mapping[str, Any]) -> dg.AssetsDefinition:  # noqa: ANN401
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.orchestration.training.model_asset import model_asset
    from lineage_pipelines.orchestration.training.model_definition import ModelInput

    function = module
    for part in plan["function"].split("."):
        function = getattr(function, part)
    if isinstance(function, dg.AssetsDefinition):
        sys.exit(f"the asset {plan['asset_key']} is called {function.key.to_user_string()} in the recorded code")
    *prefix, _ = plan["asset_key"].split("/")
    decorate = model_asset(
        project=DvcProject(Path(plan["project"])),
        inputs={name: ModelInput(path=path, role=role) for name, (path, role) in plan["inputs"].items()},
        name=plan["model"],
        key_prefix=prefix,
        trusted_types=plan["trusted_types"],
    )
    return decorate(function)


def _resource(project: str) -> dg.ConfigurableResource[Any]:
    from lineage_pipelines.orchestration.lineage_resource import LineageResource

    class Sandboxed(LineageResource):
        def settings(self) -> Any:  # noqa: ANN401
            found = super().settings()
            # The tree is rebuilt, so Git calls it dirty; digests say whether it is the recorded one.
            other: dict[str, Any] = {"require_clean": False}
            if hasattr(found, "mlflow"):  # the store that it has is the training function's, no mirror
                other["mlflow"] = None
            return replace(found, **other)

    return Sandboxed(project_dir=project)


def _run_config(asset: dg.AssetsDefinition, parameters: Mapping[str, Any]) -> dict[str, Any]:
    schema: Any = asset.op.config_schema
    fields = getattr(schema.config_type, "fields", None) or {}
    known = {name: value for name, value in parameters.items() if name in fields}
    return {"ops": {asset.op.name: {"config": known}}} if known else {}


if __name__ == "__main__":
    sys.exit(_main())
