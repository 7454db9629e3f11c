"""How a model is measured without training: what its author gave as `model_asset(evaluate=…)`, by asset.

Only a process that runs a past version asks for it, and finds it here: Dagster's definitions carry no functions.
"""

import inspect
from collections.abc import Callable, Mapping

EvaluationFunction = Callable[..., Mapping[str, float]]
"""From a fitted estimator, a table and, where it takes a third, the parameters, to metrics."""

_EVALUATORS: dict[str, tuple[EvaluationFunction, type | None]] = {}


def register(asset_key: str, function: EvaluationFunction, parameters: type | None) -> None:
    """Remember how the models of an asset are measured."""
    _EVALUATORS[asset_key] = (function, parameters)


def measure(
    asset_key: str, estimator: object, table: object, recorded: Mapping[str, object]
) -> Mapping[str, float] | None:
    """Measure a model on a table, as its author does; None where the author did not say how.

    Args:
        asset_key: the asset, parts joined by `/`.
        estimator: the fitted estimator.
        table: the evaluation data.
        recorded: the parameters that the model was trained with; those that the parameter class has are used.
    """
    function, parameters = _EVALUATORS.get(asset_key, (None, None))
    if function is None:
        return None
    given = [estimator, table]
    if parameters is not None and len(inspect.signature(function).parameters) > len(given):
        from lineage_pipelines.orchestration.training.launch_form import build_parameters, config_class

        config = config_class(parameters)
        known = {name: value for name, value in recorded.items() if name in config.model_fields}
        given.append(build_parameters(parameters, config(**known)))
    return {name: float(value) for name, value in function(*given).items()}
