"""Games whose contributions are known, with and without noise."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.replay.attribution.game import InfeasibleMixError, Part

Mix = frozenset[str]
LAYERS = ("data", "code", "parameters", "environment", "preparation", "seed", "evaluation")


def parts(names: Sequence[str]) -> list[Part]:
    return [
        Part(name, PlayerKind(name) if name in set(PlayerKind) else PlayerKind.DATA, f"{name} v2") for name in names
    ]


@dataclass
class Known:
    """A metric made of terms: what each set of parts adds when all of it is new; its Shapley values are simple.

    A term of several parts is shared equally by them.
    """

    terms: Mapping[Mix, float]
    noise: float = 0.0
    start: float = 0.8
    refuse: Callable[[Mix], bool] = lambda mix: False  # noqa: ARG005
    asked: list[tuple[Mix, int]] = field(default_factory=list)

    def measure(self, coalition: Mix, seed: int) -> float:
        self.asked.append((coalition, seed))
        if self.refuse(coalition):
            raise InfeasibleMixError(f"{', '.join(sorted(coalition))} cannot run", fix="nothing")
        chance = random.Random(f"{sorted(coalition)} {seed}").gauss(0.0, self.noise) if self.noise else 0.0
        return self.value(coalition) + chance

    def value(self, coalition: Mix) -> float:
        return self.start + sum(each for mix, each in self.terms.items() if mix <= coalition)

    def truth(self, name: str) -> float:
        return sum(each / len(mix) for mix, each in self.terms.items() if name in mix)


def additive(**amounts: float) -> dict[Mix, float]:
    return {frozenset({name}): amount for name, amount in amounts.items()}


def pairs(names: Sequence[str], amount: float) -> dict[Mix, float]:
    return {frozenset(pair): amount for pair in combinations(names, 2)}
