"""The change between two real versions of the shop's model, allocated by training the versions in between."""

from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import LineageError
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.operations.attribution_job import build_attribute_job
from lineage_pipelines.records.decisions.attribution import Method, PlayerKind, decode_attribution
from lineage_pipelines.replay.attribution.game import AttributionError, InfeasibleMixError
from lineage_pipelines.replay.attribution_run import attribute, next_batch, open_mixes
from lineage_pipelines.replay.mix_design import differing_parts, mix, recipe
from lineage_pipelines_tests.replay.conftest import Attributed, Trained

BOTH = 'features = ["amount", "visits"]'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_change_goes_to_what_made_it_and_nothing_else_changes(attributed: Attributed) -> None:
    """One of its mixes is trained here, the others were when the copy was made."""
    old, new = attributed.two()
    before, trained = attributed.everything(), {file: file.read_bytes() for file in attributed.mixes()}
    (gone,) = attributed.forget(1)
    with attributed.opened() as catalog:
        found = attribute(catalog, old, new, "roc_auc", attributed.options())
    assert gone.read_bytes() == trained[gone], "trained again, it is what it was"
    players = {player.name: player for player in found.allocation.players}
    assert set(players) == {"code", "parameters"}
    assert players["code"].kind is PlayerKind.CODE
    assert players["code"].share is not None
    assert players["code"].share == pytest.approx(1.0, abs=0.05)
    total = sum(player.allocated or 0 for player in players.values())
    assert total == pytest.approx(found.allocation.change, abs=1e-9)
    assert (found.reevaluation.old_on_old, found.reevaluation.new_on_new) == (
        old.record.evaluation.metrics["roc_auc"],  # type: ignore[union-attr]
        new.record.evaluation.metrics["roc_auc"],  # type: ignore[union-attr]
    )
    # The test data is the same, so the rows are; the models are not.
    assert found.reevaluation.old_on_new == found.reevaluation.old_on_old
    assert found.reevaluation.new_on_old == found.reevaluation.new_on_new
    assert found.reevaluation.missing == ""
    assert attributed.everything() == before
    # All of it is known now: nothing is trained again.
    with attributed.opened() as catalog:
        mixes = open_mixes(catalog, old, new, "roc_auc", attributed.options(timeout=0.001))
        again = attribute(catalog, old, new, "roc_auc", attributed.options(timeout=0.001))
    assert mixes.is_known(frozenset({"code"}), 1)
    assert again.allocation == found.allocation


@pytest.fixture
def with_fee(shop: Trained) -> tuple[Entry, Entry]:
    """Two versions; the new code needs a column that only the new data have."""
    old = shop.train()
    path = f"{shop.module_name}.py"
    shop.world.write(path, shop.path_text(path).replace(BOTH, 'features = ["amount", "visits", "fee"]'))
    orders = shop.path_text("data/orders.csv").splitlines()
    rows = [f"{line},{i % 5}" for i, line in enumerate(orders[1:])]
    shop.world.write("data/orders.csv", "\n".join([f"{orders[0]},fee", *rows]) + "\n")
    shop.world.track("data/orders.csv")
    shop.world.repro()
    shop.world.commit("Charge a fee")
    return old, shop.train()


def test_a_mix_of_new_code_and_old_data_cannot_run(shop: Trained, with_fee: tuple[Entry, Entry]) -> None:
    with shop.opened() as catalog:
        mixes = open_mixes(catalog, *with_fee, "roc_auc", shop.options())
        with pytest.raises(InfeasibleMixError, match="fee"):
            mixes.measure(frozenset({"code"}), 0)
        assert mixes.is_known(frozenset({"code"}), 0), "it is not tried again"


@pytest.mark.soak
def test_new_code_that_needs_a_new_column_does_not_go_without_it(shop: Trained, with_fee: tuple[Entry, Entry]) -> None:
    with shop.opened() as catalog:
        found = attribute(catalog, *with_fee, "roc_auc", shop.options())
    if found.allocation.distinguishable:
        assert any(len(player.members) > 1 and "code" in player.members for player in found.allocation.players)
        assert found.allocation.infeasible


def test_equal_versions_and_unknown_metrics_are_refused(shop: Trained) -> None:
    old, again = shop.train(), shop.train()
    with shop.opened() as catalog:
        with pytest.raises(AttributionError, match="nothing to allocate"):
            attribute(catalog, old, again, "roc_auc", shop.options())
        other = shop.train(strength=3.0)
        with pytest.raises(AttributionError, match="no metric 'r2'"):
            attribute(catalog, old, other, "r2", shop.options())


def test_a_mix_takes_what_it_names(attributed: Attributed) -> None:
    old, new = attributed.two()
    parts = {each.part.name: each for each in differing_parts(old.record, new.record)}
    code = mix(old.record, new.record, parts, frozenset({"code"}))
    assert (code.code, code.parameters) == (new.record.code, old.record.parameters)
    everything = mix(old.record, new.record, parts, frozenset(parts))
    assert recipe(everything) == recipe(new.record)
    assert recipe(mix(old.record, new.record, parts, frozenset())) == recipe(old.record)
    seeded = mix(old.record, new.record, parts, frozenset(), seed=2)
    assert seeded.parameters["seed"] == 9
    assert recipe(seeded) != recipe(old.record)


def test_it_runs_as_a_job_whose_steps_are_mixes(attributed: Attributed) -> None:
    old, new = attributed.two()
    attributed.forget(2)
    asked = {"old": old.ref, "new": new.ref, "metric": "roc_auc", "this_environment": True}
    with dg.DagsterInstance.ephemeral() as instance:
        result = build_attribute_job().execute_in_process(
            instance=instance,
            run_config={"ops": {"ask": {"config": asked}}},
            resources={"lineage": LineageResource(project_dir=str(attributed.root))},
        )
    steps = [event.step_key for event in result.all_events if event.is_step_success and event.step_key]
    assert sum(step.startswith("train_") for step in steps if step) == 2  # the others are known
    with attributed.opened() as catalog:
        (entry,) = catalog.log.walk("attribution")
        found = decode_attribution(entry.body)
        assert found.allocation.method in (Method.EXACT, Method.AGREED)
        assert next_batch(open_mixes(catalog, old, new, "roc_auc", attributed.options()), 3) == []


def test_data_that_is_gone_ends_it_and_is_no_infeasible_mix(attributed: Attributed) -> None:
    old, new = attributed.two()
    attributed.forget(len(attributed.mixes()))
    train = next(data for data in old.record.data if data.name == "train")
    assert train.digest.md5 is not None
    for path in (attributed.world.cached(train.digest.md5), attributed.root / train.path):
        path.unlink()
    with attributed.opened() as catalog, pytest.raises(LineageError, match="train"):
        attribute(catalog, old, new, "roc_auc", attributed.options())
