"""Evaluator: measures a model without training it, as its author gave it in `model_asset(evaluate=…)`."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lineage_pipelines.capture.variable_references import read_variables
from lineage_pipelines.records.values.canonical import Json

EvaluationFunction = Callable[..., Mapping[str, float]]
"""From a fitted estimator, a table and, where it takes a third, the parameters, to metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """The author's function, and the parameter class of the model."""

    function: EvaluationFunction
    parameters: type | None

    def measure(self, estimator: object, table: object, recorded: Mapping[str, Json]) -> Mapping[str, float]:
        """Return the metrics of a model on a table.

        Args:
            estimator: the fitted estimator.
            table: the evaluation data.
            recorded: the parameters that the model was trained with; those that the parameter class has are used.

        Raises:
            CaptureError: a parameter is an environment variable that is not set.
        """
        arguments = [estimator, table]
        if self.parameters is not None and len(inspect.signature(self.function).parameters) > len(arguments):
            from lineage_pipelines.orchestration.training.launch_form import build_parameters, config_class

            config = config_class(self.parameters)
            known = {name: read_variables(value) for name, value in recorded.items() if name in config.model_fields}
            arguments.append(build_parameters(self.parameters, config(**known)))
        return {name: float(value) for name, value in self.function(*arguments).items()}
