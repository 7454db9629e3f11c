"""What a change is allocated to, for programs: what was recorded, and what follows from it."""

from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    AttributedVersion,
    Attribution,
    MetricRuns,
    Player,
)
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.reports.views.attribute import sentence


def attribution_json(found: Attribution) -> Json:
    """Return the analysis; docs/reference/cli.md names its fields."""
    each = found.reevaluation
    return {
        "old": _version(found.old),
        "new": _version(found.new),
        "metric": found.metric,
        "sentence": sentence(found),
        "reevaluation": {
            "old_on_old": each.old_on_old,
            "old_on_new": each.old_on_new,
            "new_on_old": each.new_on_old,
            "new_on_new": each.new_on_new,
            "missing": each.missing,
        },
        "allocation": _allocation(found.allocation),
        "splits": [{"player": split.player, "allocation": _allocation(split.allocation)} for split in found.splits],
        "by": found.by,
        "host": found.host,
        "started": format_time(found.started),
        "finished": format_time(found.finished),
    }


def _version(version: AttributedVersion) -> Json:
    return {"record": version.record.hex, "model": version.model, "version": version.version}


def _allocation(game: Allocation) -> Json:
    return {
        "before": _runs(game.before),
        "after": _runs(game.after),
        "change": game.change,
        "noise": game.noise,
        "distinguishable": game.distinguishable,
        "method": str(game.method),
        "mixes": game.mixes,
        "seeds": len(game.before.values),
        "permutations": game.permutations,
        "agreed": game.agreed,
        "interaction": game.interaction,
        "interaction_share": game.interaction_share,
        "interactions": [
            {"first": p.first, "second": p.second, "value": p.value, "standard_error": p.standard_error}
            for p in game.interactions
        ],
        "players": [_player(player) for player in game.players],
        "infeasible": [{"new": list(mix.new), "reason": mix.reason} for mix in game.infeasible],
    }


def _runs(runs: MetricRuns) -> Json:
    return {"mean": runs.mean, "sd": runs.sd, "values": dict(runs.values)}


def _player(player: Player) -> Json:
    return {
        "name": player.name,
        "kind": str(player.kind),
        "differs": player.differs,
        "members": list(player.members),
        "allocated": player.allocated,
        "standard_error": player.standard_error,
        "low": player.low,
        "high": player.high,
        "share": player.share,
        "one_in": player.one_in,
        "one_out": player.one_out,
    }
