"""A version is made again from its record; whatever is missing or different is named first."""

from pathlib import Path

import pytest

from lineage_pipelines.records.decisions.reproduction import Level
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.replay.environments import Building
from lineage_pipelines.replay.reproduction_run import reproduce
from lineage_pipelines_tests.replay.conftest import Trained


def _levels(said: object) -> dict[Level, bool]:
    return {step.level: step.reached for step in said.steps}  # type: ignore[attr-defined]


def test_a_version_is_made_again_and_nothing_of_the_project_changes(shop: Trained) -> None:
    entry = shop.train(strength=0.5)
    before = shop.everything()
    said = reproduce(entry, shop.options())
    assert said.differs == ()
    assert said.level is Level.MODEL
    assert all(_levels(said).values())
    assert (said.model, said.version, said.record) == ("churn", 1, entry.digest)
    assert said.again not in (None, entry.digest)
    assert shop.everything() == before


STORES = "dg.DynamicPartitionsDefinition(name='stores')"
DAYS = "dg.DailyPartitionsDefinition('2026-01-01')"


@pytest.mark.parametrize(
    ("definition", "partition"),
    [
        (STORES, "Rome"),
        (f"dg.MultiPartitionsDefinition({{'day': {DAYS}, 'store': {STORES}}})", "2026-01-02|Rome"),
    ],
)
def test_a_version_of_a_dynamic_partition_is_made_again(shop: Trained, definition: str, partition: str) -> None:
    text = shop.path_text(f"{shop.definitions}.py")
    option = f"    partitions_def={definition},\n    evaluate=measure,"
    shop.world.write(f"{shop.definitions}.py", text.replace("    evaluate=measure,", option))
    shop.world.commit("Define partitions")
    entry = shop.train(partition=partition, stores=["Rome"])
    assert entry.identity == "Rome"
    said = reproduce(entry, shop.options())
    assert (said.level, said.differs) == (Level.MODEL, ())


def test_the_workspace_may_have_moved_on(shop: Trained) -> None:
    entry = shop.train()
    shop.world.write("params.yaml", "split:\n  every: 5\n")
    shop.world.write("data/orders.csv", shop.path_text("data/orders.csv").replace("Rome", "Bonn"))
    shop.world.track("data/orders.csv")
    shop.world.repro()
    text = shop.path_text(f"{shop.module_name}.py").replace("random_state=params.seed", "random_state=params.seed + 1")
    shop.world.write(f"{shop.module_name}.py", text.replace('features = ["amount", "visits"]', 'features = ["visits"]'))
    shop.world.commit("Change everything")
    said = reproduce(entry, shop.options())
    assert (said.level, said.differs) == (Level.MODEL, ())


def test_uncommitted_work_is_part_of_it(shop: Trained) -> None:
    shop.world.append(f"{shop.module_name}.py", "\n\nUNTOLD = 1\n")
    shop.world.write("helper.py", "FACTOR = 2\n")
    entry = shop.train()
    assert entry.record.code.dirty
    shop.world.git("checkout", "-q", ".")
    shop.world.git("clean", "-qf")
    said = reproduce(entry, shop.options())
    assert (said.level, said.differs) == (Level.MODEL, ())


def test_without_the_commit_the_stored_sources_serve(shop: Trained) -> None:
    entry = shop.train()
    shop.world.git("checkout", "-q", "--orphan", "other")
    shop.world.commit("Forget the past")
    shop.world.git("branch", "-D", "main")
    shop.world.git("reflog", "expire", "--expire=all", "--all")
    shop.world.git("gc", "-q", "--prune=now")
    said = reproduce(entry, shop.options())
    setting = next(step for step in said.steps if step.level is Level.SETTING)
    assert "stored source file" in setting.detail
    assert (said.level, said.differs) == (Level.MODEL, ())


def test_data_that_is_gone_everywhere_is_named(shop: Trained) -> None:
    entry = shop.train()
    train = next(data for data in entry.record.data if data.name == "train")
    assert train.digest.md5 is not None
    for path in (shop.world.cached(train.digest.md5), shop.root / train.path):
        path.unlink()
    said = reproduce(entry, shop.options())
    assert said.level is Level.RECORD
    assert said.differs[0].startswith("data: train is absent: data/parts/train.csv (MD5 ")
    assert _levels(said) == {Level.INPUTS: False}


def test_one_flipped_label_is_named_as_data(shop: Trained, tmp_path: Path) -> None:
    entry = shop.train()
    lines = shop.path_text("data/parts/test.csv").splitlines()
    lines[1] = lines[1][:-1] + str(1 - int(lines[1][-1]))
    other = tmp_path / "flipped.csv"
    other.write_text("\n".join(lines) + "\n")
    said = reproduce(entry, shop.options(substitutes={"test": other}))
    assert said.differs[0] == "data: test is flipped.csv instead of what was recorded"
    assert _levels(said)[Level.METRICS] is False
    assert said.level is Level.RAN  # although the model is the same
    assert any(each.name == "roc_auc" and not each.within for each in said.metrics)


@pytest.mark.parametrize(("cpus", "told"), [(1, ()), (64, ("threads: cpus",))])
def test_the_recorded_threads_are_used_and_where_there_are_fewer_it_is_said(
    shop: Trained, cpus: int, told: tuple[str, ...]
) -> None:
    entry = shop.other_threads(shop.train(), {"cpus": cpus})
    said = reproduce(entry, shop.options())
    assert said.level is Level.MODEL
    assert tuple(each[: len("threads: cpus")] for each in said.differs) == told
    assert said.is_exact


def test_what_is_not_recorded_is_a_hint_where_the_model_differs(shop: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{shop.module_name}.py"
    line = '    features = ["amount", "visits"]'
    reads = "float(os.environ.get('SCALE', '1')) * float(pathlib.Path(__file__).with_name('x.txt').read_text())"
    more = f"    import os, pathlib\n    scale = {reads}\n"
    text = shop.path_text(path).replace(line, f"{more}{line}").replace("C=params.strength", "C=params.strength * scale")
    shop.world.write(path, text)
    shop.world.write("x.txt", "1")
    shop.world.commit("Scale")
    monkeypatch.setenv("SCALE", "0.001")
    entry = shop.train()
    assert entry.record.run.undeclared is not None
    assert entry.record.run.undeclared.environment == ("SCALE",)
    assert entry.record.run.undeclared.files == ("x.txt",)
    said = reproduce(entry, shop.options())
    assert not said.is_exact
    assert [each.partition(":")[0] for each in said.differs[-2:]] == ["predictions", "model"]
    assert said.hints[0].endswith("did not get now: SCALE (--pass-env SCALE)")
    assert "x.txt" in said.hints[1]
    assert "PYTHONHASHSEED" in said.hints[2]
    again = reproduce(entry, shop.options(pass_on=["SCALE"]))
    assert (again.level, again.differs, again.hints) == (Level.MODEL, (), ())


def test_an_egg_info_in_the_repository_and_no_test_data_are_no_difference(shop: Trained) -> None:
    shop.world.write("shop.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    shop.world.write("shop.egg-info/SOURCES.txt", "setup.py\n")
    path = f"{shop.definitions}.py"
    shop.world.write(path, shop.path_text(path).replace('"test": "data', '"later": "data').replace("disjoint()", ""))
    path = f"{shop.module_name}.py"
    shop.world.write(
        path, shop.path_text(path).replace("test:", "later:").replace("test[", "later[").replace("test.g", "later.g")
    )
    shop.world.git("add", path, f"{shop.definitions}.py")
    shop.world.git("commit", "-qm", "Call it later")
    entry = shop.train()
    assert entry.record.evaluation is not None
    assert entry.record.evaluation.probe is None
    said = reproduce(entry, shop.options())
    assert (said.level, said.differs) == (Level.MODEL, ())
    assert all(_levels(said).values())
    predictions = next(step for step in said.steps if step.level is Level.PREDICTIONS)
    assert "TrainedModel(probe=rows)" in predictions.detail


def test_a_training_that_fails_says_why(shop: Trained, tmp_path: Path) -> None:
    entry = shop.train()
    other = tmp_path / "train.csv"
    other.write_text("amount,visits,city\n1,2,Rome\n")
    said = reproduce(entry, shop.options(substitutes={"train": other}))
    assert _levels(said)[Level.RAN] is False
    assert "left" in said.differs[-1]


def test_a_check_trains_nothing(shop: Trained) -> None:
    entry = shop.train()
    before = shop.everything()
    said = reproduce(entry, shop.options(check_only=True))
    assert (said.level, said.checked_only, said.differs, said.again) == (Level.SETTING, True, (), None)
    assert shop.everything() == before


def test_another_environment_is_no_environment(shop: Trained, tmp_path: Path) -> None:
    entry = shop.other_libraries(shop.train())
    said = reproduce(entry, shop.options(check_only=True))
    assert said.level is Level.INPUTS
    assert "nowhere-to-be-found absent instead of 1.0" in said.differs[0]
    gone = Building(kept=tmp_path / "environments", wheels=tmp_path, index=False)
    said = reproduce(entry, shop.options(building=gone))
    assert said.level is Level.INPUTS
    assert said.differs[0].startswith("environment: could not install the recorded libraries")
    here = reproduce(entry, shop.options(this_environment=True))
    assert here.level is Level.MODEL  # the model is the same, and what it was made in is not
    assert here.differs[0].startswith("environment: ")
    assert _levels(here)[Level.SETTING] is False


@pytest.mark.parametrize("name", ["other", "train "])
def test_a_substitute_for_no_input_is_refused(shop: Trained, name: str, tmp_path: Path) -> None:
    from lineage_pipelines.errors import NotFoundError

    entry = shop.train()
    with pytest.raises(NotFoundError, match="has no input"):
        reproduce(entry, shop.options(substitutes={name: tmp_path / "x.csv"}))


def test_the_verdict_is_about_one_record(shop: Trained) -> None:
    from lineage_pipelines.errors import NotFoundError
    from lineage_pipelines.queries.versions.analyses import list_reproductions
    from lineage_pipelines.records.decisions.reproduction import encode_reproduction

    entry = shop.train()
    said = reproduce(entry, shop.options(check_only=True))
    with shop.opened() as catalog:
        seq = catalog.registry.attach("reproduction", encode_reproduction(said), about=[said.record])
        (found,) = list_reproductions(catalog, entry.digest)
        assert (found.seq, found.reproduction) == (seq, said)
        assert list_reproductions(catalog, Digest.of(b"other")) == []
        with pytest.raises(NotFoundError):
            catalog.registry.attach("reproduction", encode_reproduction(said), about=[Digest.of(b"other")])
