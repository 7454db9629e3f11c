"""Recipe: all that decides what a training makes, by digest. Two trainings of one recipe make one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a training reads, runs and is configured with."""

    data: Mapping[str, str | None]
    """SHA-256 of each input by name."""
    source: Digest | None
    parameters: Mapping[str, Json]
    """As they were launched, defaults included; the seed is one of them."""
    packages: Digest

    @classmethod
    def of(
        cls,
        data: Sequence[DatasetSnapshot],
        code: CodeVersion,
        parameters: Mapping[str, Json],
        environment: Environment,
    ) -> "Recipe":
        """Return the recipe of a training from what is captured before it begins."""
        return cls(
            data={snapshot.name: snapshot.digest.sha256 for snapshot in data},
            source=code.source.digest if code.source is not None else None,
            parameters=parameters,
            packages=environment.packages,
        )

    def is_of(self, record: LineageRecord) -> bool:
        """Return whether a version was made by this recipe. What is not known is not the same.

        A record's parameters may hold more: those that the training determined.
        """
        launched = {name: value for name, value in record.parameters.items() if name in self.parameters}
        known = self.source is not None and None not in self.data.values()
        return known and self == Recipe.of(record.data, record.code, launched, record.environment)
