"""After a crash and one tick, every record has its event and no event lacks a record."""

import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines import ConflictError, build_reconcile_sensor, resolve_settings
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.orchestration.operations.reconcile import reconcile
from lineage_pipelines.orchestration.training.run_attempt import open_attempt
from lineage_pipelines.orchestration.training.run_facts import RunFacts, run_key
from lineage_pipelines.records.statement.training_run import DagsterRun
from lineage_pipelines.system.process_identity import host_name, process_name
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.test_laws import CRASH

KEY = dg.AssetKey("churn")
NOW = timedelta(0)


def test_a_killed_step_whose_record_was_committed_is_reported(shop: Shop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    _crash("append", shop, home)
    with dg.DagsterInstance.local_temp(str(home)) as instance, shop.catalog() as catalog:
        assert [each.status for each in reconcile(instance, catalog)] == ["waiting"], "it may be about to report itself"
        assert [each.status for each in reconcile(instance, catalog, grace=NOW, dry_run=True)] == ["to be reported"]
        assert instance.get_latest_materialization_event(KEY) is None
        (found,) = reconcile(instance, catalog, grace=NOW)
        assert (found.kind, found.subject, found.status) == ("record without event", "churn@1", "reported")
        event = instance.get_latest_materialization_event(KEY)
        assert event is not None
        materialization = event.asset_materialization
        assert materialization is not None
        (entry,) = catalog.entries("churn")
        assert materialization.metadata["lineage/record"].value == f"sha256:{entry.digest.hex}"
        assert materialization.metadata["model/version"].value == 1
        assert materialization.tags is not None
        assert materialization.tags["dagster/data_version"] == entry.record.artifact.digest.hex
        assert reconcile(instance, catalog, grace=NOW) == (), "once is enough"


POINTS = ["begin_attempt", "read_inputs", "save_model", "put_file", "append"]


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that nobody else uses."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def _crash(point: str, shop: Shop, home: Path) -> None:
    home.mkdir(exist_ok=True)
    shop.split()
    arguments = [point, str(shop.root), shop.module_name, str(home)]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CRASH, *arguments], capture_output=True, check=False)
    assert done.returncode == 9, done.stderr.decode()[-2000:]


@pytest.mark.parametrize("point", POINTS)
def test_whatever_step_was_killed_one_tick_puts_everything_right(
    shop: Shop, tmp_path: Path, own_tmp: Path, point: str
) -> None:
    home = tmp_path / "home"
    _crash(point, shop, home)
    assert list(own_tmp.glob("lineage-*")), "the folder of the killed step"
    store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
    with dg.DagsterInstance.local_temp(str(home)) as instance, shop.catalog() as catalog:

        def tick(*, dry_run: bool = False) -> list[tuple[str, str]]:
            found = reconcile(instance, catalog, artifacts=store, grace=NOW, older_than=NOW, dry_run=dry_run)
            return [(each.kind, each.status) for each in found]

        committed = point == "append"
        first = ("record without event", "reported") if committed else ("attempt without end", "given up")
        planned = tick(dry_run=True)
        assert [what for what, _ in planned] == [first[0], "stray folder"]
        assert tick() == [first, *([("stray folder", "removed")] if committed else [])]
        assert tick() == []
        assert not list(own_tmp.glob("lineage-*"))
        assert list(catalog.outbox.running_attempts()) == []
        assert list(catalog.outbox.pending_versions("dagster")) == []
        # The next run goes on, and is fine by itself.
        assert run(build_defs(shop), "refresh", instance).success
        assert tick() == []
        assert len(catalog.entries("churn")) == 1 + committed


def test_an_event_is_in_the_log_when_it_is_noted_as_delivered(shop: Shop, tmp_path: Path, own_tmp: Path) -> None:
    _crash("mark_delivered", shop, tmp_path / "home")
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance, shop.catalog() as catalog:
        assert list(catalog.outbox.pending_versions("dagster")) == []
        assert instance.get_latest_materialization_event(KEY) is not None
        assert reconcile(instance, catalog, grace=NOW) == ()
    assert not list(own_tmp.glob("lineage-*"))


def test_an_attempt_that_fails_by_itself_leaves_nothing(
    shop: Shop, instance: dg.DagsterInstance, own_tmp: Path
) -> None:
    text = MODEL.replace("    features = [", '    raise RuntimeError("no memory")\n    features = [')
    shop.world.write(f"{shop.module_name}.py", text)
    assert not run(build_defs(shop), "refresh", instance).success
    assert not list(own_tmp.glob("lineage-*"))
    with shop.catalog() as catalog:
        assert list(catalog.outbox.running_attempts()) == []
        assert reconcile(instance, catalog, grace=NOW, older_than=NOW) == ()


def test_an_attempt_that_was_given_up_and_lives_on_commits_nothing(
    shop: Shop, instance: dg.DagsterInstance, own_tmp: Path
) -> None:
    """A zombie: its run was started again, which has the version; what the zombie trained is refused."""
    key = run_key(KEY, None, "root")
    begun = DagsterRun(run_id="r1", root_run_id="root", job="refresh", step="churn", launched_by="user:ada")
    facts = RunFacts(run=begun, run_key=key, host=host_name(), user=None)
    with shop.catalog() as catalog:
        with open_attempt(catalog, facts, "churn") as (zombie, folder):
            assert folder.parent == own_tmp
            later = catalog.outbox.begin_attempt(key, "churn", host=host_name(), process=process_name())
            record = make_record("zombie", model="churn")
            record = replace(record, model=replace(record.model, run_key=key))
            with pytest.raises(ConflictError, match="superseded by attempt 2"):
                catalog.append(record, attempt=zombie)
            catalog.append(record, attempt=later)
            found = reconcile(instance, catalog, grace=NOW, older_than=NOW, dry_run=True)
            assert not any(each.kind == "stray folder" for each in found), "its process is alive and uses it"
            assert folder.is_dir()
        assert [entry.version for entry in catalog.entries("churn")] == [1]


def test_attempts_elsewhere_are_given_up_when_their_run_is_over_or_nothing_was_heard_for_long(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    assert run(build_defs(shop), "refresh", instance).success
    (over,) = instance.get_runs()
    with shop.catalog() as catalog:
        for number, run_id in enumerate([over.run_id, "unknown", None]):
            catalog.outbox.begin_attempt(f"{number}" * 64, "churn", host="elsewhere", process="b 1 2", run=run_id)
        (found,) = reconcile(instance, catalog, grace=NOW)
        assert (found.kind, found.status) == ("attempt without end", "given up")
        assert "its run ended as SUCCESS" in found.detail
        assert [attempt.run for attempt in catalog.outbox.running_attempts()] == ["unknown", None]
        catalog.outbox.begin_attempt("3" * 64, "churn", host=host_name(), process=process_name())
        assert reconcile(instance, catalog, grace=NOW) == (), "this process is alive"


def test_only_our_own_folders_are_removed(
    shop: Shop, instance: dg.DagsterInstance, own_tmp: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data.csv").write_text("1")
    (own_tmp / "lineage-abcd1234").symlink_to(precious)
    (own_tmp / "lineage-notours").mkdir()
    (own_tmp / "lineage-zyxw9876").mkdir()
    (own_tmp / "lineage-zyxw9876" / "part").write_text("half")
    store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
    kept = store.put_bytes(b"whole")
    half = Path(store.url_of(kept)).parent / ".tmp-half"
    half.write_text("ha")
    with shop.catalog() as catalog:
        # A folder that another process names as its own must not lead the broom astray.
        catalog.outbox.begin_attempt("1" * 64, "churn", host=host_name(), process="gone 1 2", folder=str(precious))
        assert reconcile(instance, catalog, artifacts=store) == (), "they are young"
        found = reconcile(instance, catalog, artifacts=store, older_than=NOW)
    assert sorted((each.kind, Path(each.subject).name) for each in found) == [
        ("half-written file", ".tmp-half"),
        ("stray folder", "lineage-zyxw9876"),
    ]
    assert (precious / "data.csv").exists()
    assert sorted(path.name for path in own_tmp.iterdir()) == ["lineage-abcd1234", "lineage-notours"]
    assert store.read(kept) == b"whole"


def test_what_fits_is_left_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        assert reconcile(instance, catalog, grace=NOW) == ()


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, None])
def test_an_event_that_somebody_posted_is_an_alarm(
    shop: Shop, instance: dg.DagsterInstance, digest: str | None
) -> None:
    assert run(build_defs(shop), "refresh", instance).success
    forged = {"lineage/record": digest} if digest else {}
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata=forged))
    with shop.catalog() as catalog:
        (found,) = reconcile(instance, catalog, grace=NOW)
    assert (found.kind, found.status) == ("event without record", "ALARM")


def test_the_sensor_does_it_and_launches_nothing(shop: Shop, instance: dg.DagsterInstance) -> None:
    assert run(build_defs(shop), "refresh", instance).success
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY))
    context = dg.build_sensor_context(instance=instance, resources={"lineage": shop.resources()["lineage"]})
    result = build_reconcile_sensor().evaluate_tick(context)
    assert not result.run_requests
    assert result.skip_message is not None
    assert "event without record, ALARM" in result.skip_message
