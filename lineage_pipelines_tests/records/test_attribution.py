"""An analysis comes back as it went in, and one that contradicts itself is refused."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    AttributedVersion,
    Attribution,
    InfeasibleMix,
    Interaction,
    Method,
    MetricRuns,
    Player,
    PlayerKind,
    PlayerSplit,
    Reevaluation,
    decode_attribution,
    encode_attribution,
    is_distinguishable,
)
from lineage_pipelines.records.values.canonical import canonical_bytes
from lineage_pipelines.records.values.digest import Digest


def runs(*values: float) -> MetricRuns:
    return MetricRuns(values={str(seed): value for seed, value in enumerate(values)})


def player(name: str, allocated: float, *, kind: PlayerKind = PlayerKind.DATA, change: float = -0.5) -> Player:
    return Player(
        name=name,
        kind=kind,
        allocated=allocated,
        standard_error=0.01,
        low=allocated - 0.02,
        high=allocated + 0.02,
        share=allocated / change,
        one_in=allocated,
        one_out=allocated,
    )


GAME = Allocation(
    before=runs(1.0, 1.0, 1.0),
    after=runs(0.5, 0.5, 0.5),
    distinguishable=True,
    method=Method.EXACT,
    mixes=8,
    interaction=-0.125,
    interactions=(Interaction(first="data", second="code", value=-0.125, standard_error=0.0),),
    players=(player("data", -0.375), player("code", -0.125, kind=PlayerKind.CODE)),
    infeasible=(InfeasibleMix(new=("code",), reason="KeyError: 'hour'"),),
)
INNER = dataclasses.replace(
    GAME, players=(player("data:05", -0.375), player("data:04", 0.0)), infeasible=(), interactions=()
)
FOUND = Attribution(
    old=AttributedVersion(record=Digest.of(b"old"), model="churn", version=71),
    new=AttributedVersion(record=Digest.of(b"new"), model="churn", version=73),
    metric="roc_auc",
    reevaluation=Reevaluation(old_on_old=1.0, new_on_old=0.5, missing="the new test data is gone"),
    allocation=GAME,
    splits=(PlayerSplit(player="data", allocation=INNER),),
    by="ann",
    host="trainer-1",
    started=datetime(2026, 3, 5, tzinfo=UTC),
    finished=datetime(2026, 3, 6, tzinfo=UTC),
)
UNDECIDED = dataclasses.replace(
    FOUND,
    splits=(),
    allocation=Allocation(
        before=runs(0.8, 0.81, 0.82),
        after=runs(0.79, 0.8, 0.81),
        distinguishable=False,
        method=Method.ENDPOINTS,
        mixes=2,
        players=(Player(name="data", kind=PlayerKind.DATA),),
    ),
)


@pytest.mark.parametrize("found", [FOUND, UNDECIDED], ids=["allocated", "undecided"])
def test_an_analysis_comes_back(found: Attribution) -> None:
    data = encode_attribution(found)
    assert decode_attribution(data) == found
    assert encode_attribution(decode_attribution(data)) == data


def test_what_a_newer_release_adds_is_kept() -> None:
    plain = json.loads(encode_attribution(FOUND))
    plain["allocation"]["players"][0]["cost"] = 12
    data = canonical_bytes(plain)
    assert encode_attribution(decode_attribution(data)) == data


def test_what_follows_from_the_runs() -> None:
    assert GAME.change == -0.5
    assert GAME.noise == 0.0
    assert GAME.interaction_share == 0.25
    assert runs(1.0, 2.0, 3.0).sd == 1.0
    assert UNDECIDED.allocation.interaction_share is None
    assert FOUND.old.ref == "churn@71"


def test_a_change_counts_from_two_standard_deviations_on() -> None:
    # The spread of a difference of two trainings: 0.01 * sqrt(2).
    spread = (-0.01, 0.0, 0.01)
    before = runs(*spread)
    assert not is_distinguishable(before, runs(*(each + 0.0282 for each in spread)))
    assert is_distinguishable(before, runs(*(each + 0.0284 for each in spread)))
    assert not is_distinguishable(before, before)
    assert not is_distinguishable(runs(0.3, 0.3, 0.3), runs(*[0.1 + 0.2] * 3))


def changed(**changes: Any) -> Attribution:
    return dataclasses.replace(FOUND, splits=(), allocation=dataclasses.replace(GAME, **changes))


BAD: dict[str, tuple[Callable[[], Attribution], str]] = {
    "adds up": (lambda: changed(players=(player("data", -0.25),)), "add up to -0.25"),
    "share": (lambda: changed(players=(player("data", -0.5, change=-1.0),)), "share of data"),
    "twice": (lambda: changed(players=(player("data", -0.25), player("data", -0.25))), "two of one name"),
    "nobody": (lambda: changed(players=()), "no players"),
    "interval": (lambda: changed(players=(dataclasses.replace(player("data", -0.5), low=0.0),)), "within an interval"),
    "no interval": (lambda: changed(players=(dataclasses.replace(player("data", -0.5), high=None),)), "interval"),
    "no share": (lambda: changed(players=(dataclasses.replace(player("data", -0.5), share=None),)), "no share"),
    "two seeds": (lambda: changed(before=runs(1.0, 1.0), after=runs(0.5, 0.5)), "3 seeds or more"),
    "other seeds": (lambda: changed(after=MetricRuns(values={"7": 0.5, "8": 0.5, "9": 0.5})), "not the same"),
    "no seeds": (lambda: changed(before=MetricRuns(values={}), after=MetricRuns(values={})), "seeds"),
    "noise": (lambda: changed(after=runs(0.4, 0.9, 1.4)), "distinguishable"),
    "claims noise": (lambda: changed(distinguishable=False), "distinguishable"),
    "no method": (lambda: changed(method=Method.ENDPOINTS), "method"),
    "huge": (lambda: changed(before=runs(1e308, -1e308, 1e308)), "beyond"),
    "split of nobody": (
        lambda: dataclasses.replace(FOUND, splits=(PlayerSplit(player="seed", allocation=INNER),)),
        "nothing is allocated",
    ),
    "split adds up": (
        lambda: dataclasses.replace(FOUND, splits=(PlayerSplit(player="code", allocation=INNER),)),
        "add up",
    ),
    "allocated noise": (
        lambda: dataclasses.replace(
            UNDECIDED, allocation=dataclasses.replace(UNDECIDED.allocation, players=(player("data", -0.01),))
        ),
        "within chance",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_an_analysis_that_contradicts_itself_is_refused(name: str) -> None:
    make, message = BAD[name]
    with pytest.raises(RecordError, match=message):
        encode_attribution(make())


@pytest.mark.parametrize(
    ("field", "value"),
    [("metric", 3), ("allocation", None), ("started", "yesterday"), ("splits", {}), ("old", {"model": "churn"})],
)
def test_bytes_that_are_none_are_refused(field: str, value: object) -> None:
    plain = json.loads(encode_attribution(FOUND))
    plain[field] = value
    with pytest.raises(RecordError):
        decode_attribution(canonical_bytes(plain))


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(RecordError):
        encode_attribution(changed(after=runs(0.5, 0.5, float("nan"))))
    sealed = encode_attribution(FOUND)
    for bad in (b"", b"{}", b"null", sealed + b"x", sealed.replace(b'"kind":"data"', b'"kind":"luck"')):
        with pytest.raises(RecordError):
            decode_attribution(bad)
