"""Which change made the difference? A game of mixed versions, each trained again, whose outcome is an `Attribution`.

`game` measures each mix once, `stages` and `solving` ask for as few mixes as it takes, `shapley` and `circles` turn
them into allocations, `merging` deals with mixes that cannot run, `split` shares what one player got among its parts.
Training is behind the protocol `Mixes`.
"""

from lineage_pipelines.replay.attribution.game import (
    AttributionError,
    Batch,
    Game,
    InfeasibleMixError,
    Mixes,
    Part,
    Plan,
)
from lineage_pipelines.replay.attribution.solving import Solved
from lineage_pipelines.replay.attribution.split import split_cost, split_player, winner
from lineage_pipelines.replay.attribution.stages import allocate, cost

__all__ = [
    "AttributionError",
    "Batch",
    "Game",
    "InfeasibleMixError",
    "Mixes",
    "Part",
    "Plan",
    "Solved",
    "allocate",
    "cost",
    "split_cost",
    "split_player",
    "winner",
]
