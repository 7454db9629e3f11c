"""Partition path: the path of an input that depends on the partition, `data/monthly/{partition}.parquet`.

What a partition reads is so known by path and digest. A filter inside the training function is no such mapping: its
input is the same file for every partition.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.training.model_definition import ModelDefinition, ModelInput

PARTITION = "partition"
"""The field that stands for the whole key."""
_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check_partition_paths(inputs: Mapping[str, ModelInput], definition: dg.PartitionsDefinition[Any] | None) -> None:
    """Refuse fields that no partition of the model has.

    Raises:
        CaptureError: naming the input, the field and those that there are.
    """
    known = _fields(definition)
    for name, declared in inputs.items():
        used = _FIELD.findall(declared.path)
        wrong = [field for field in used if field not in known and (known or field == PARTITION)]
        if wrong:
            there = ", ".join(f"{{{field}}}" for field in known)
            fix = (
                f"the fields of its partitions are {there}" if known else "give the model partitions: partitions_def=…"
            )
            raise CaptureError(f"the input {name!r} depends on {{{wrong[0]}}}", where=declared.path, fix=fix)


def _fields(definition: dg.PartitionsDefinition[Any] | None) -> tuple[str, ...]:
    if definition is None:
        return ()
    dimensions = definition.partitions_defs if isinstance(definition, dg.MultiPartitionsDefinition) else ()
    return (PARTITION, *(each.name for each in dimensions))


def matching_outputs(path: str, outputs: Iterable[str]) -> tuple[str, ...]:
    """Return the outputs that a path may lie in or be, whatever the partition; the narrowest ones there are."""
    parts = path.split("/")
    known = tuple(outputs)
    for length in range(len(parts), 0, -1):
        prefix = "/".join(parts[:length])
        texts = [re.escape(text) for text in _FIELD.split(prefix)[::2]]
        found = tuple(out for out in known if re.fullmatch("[^/]+".join(texts), out))
        if found:
            return found
    return ()


def of_partition(
    model: ModelDefinition, definition: dg.PartitionsDefinition[Any] | None, key: str | None
) -> ModelDefinition:
    """Return the definition with the inputs of one partition.

    Args:
        model: as its author declared it.
        definition: its partitions.
        key: Dagster's key of the partition of the run; None where it has none.
    """
    if definition is None or key is None:
        return model
    values = {PARTITION: key}
    if isinstance(definition, dg.MultiPartitionsDefinition):
        values |= dict(definition.get_partition_key_from_str(key).keys_by_dimension)
    inputs = {name: replace(declared, path=_fill(declared.path, values)) for name, declared in model.inputs.items()}
    # A file that was tracked after the code location was loaded is no asset of it yet.
    located = ((name, _key_of(declared.path, model.partition_keys)) for name, declared in inputs.items())
    keys = {name: key for name, key in located if key is not None}
    return replace(model, inputs=inputs, input_keys=keys)


def _fill(path: str, values: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: values[found[1]], path)


def _key_of(path: str, keys: Mapping[str, str]) -> str | None:
    part = path
    while part and part not in keys:
        part = part.rpartition("/")[0]
    return keys.get(part)
