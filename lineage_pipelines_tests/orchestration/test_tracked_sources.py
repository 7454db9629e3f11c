"""What a record says of the `.dvc` files at which the preparation, or the training itself, begins."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines import LineageRecord, TrainedModel, model_asset, resolve_settings
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.recorder import describe_recorder
from lineage_pipelines.orchestration.training import tracked_sources
from lineage_pipelines.queries.graph.impact import impact
from lineage_pipelines.queries.graph.subject import Places, find_subject
from lineage_pipelines.queries.graph.trace import trace
from lineage_pipelines.records.statement.dataset import ImportOrigin, TrackedSource
from lineage_pipelines.records.statement.file_listing import decode_listing
from lineage_pipelines.records.statement.profile import Profile, decode_profile
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.show import Sequel, full_document
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import Shop, orders
from lineage_pipelines_tests.world import World


def rows(train: Path) -> TrainedModel:
    """Learn nothing."""
    from sklearn.dummy import DummyClassifier

    assert train.exists()
    return TrainedModel(estimator=DummyClassifier().fit([[0], [1]], [0, 1]), metrics={"rows": 1.0})


def record_of(shop: Shop, path: str) -> LineageRecord:
    """Train on one path, and return the record."""
    model = model_asset(project=shop.project(), inputs={"train": path}, name="rows")(rows)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([model], resources=shop.resources(), instance=instance).success
    with shop.catalog() as catalog:
        entry = catalog.latest("rows")
    assert entry is not None
    return entry.record


def listing_of(shop: Shop, digest: Digest | None) -> dict[str, tuple[str, int | None]]:
    """Read a listing from the artifact store: MD5 and size by path."""
    assert digest is not None
    store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
    return {file.path: (file.md5, file.size) for file in decode_listing(store.read(digest))}


@pytest.fixture
def registry(tmp_path: Path) -> World:
    """Another project, whose folder `sold` is tracked."""
    world = World(tmp_path / "registry")
    world.write("sold/orders.csv", orders(30))
    world.track("sold")
    world.commit("Track what was sold")
    return world


def test_an_import_names_repository_path_and_commit(shop: Shop, registry: World) -> None:
    shop.world.dvc("import", str(registry.root), "sold/orders.csv", "-o", "data/bought.csv")
    shop.world.commit("Import")
    record = record_of(shop, "data/bought.csv")
    (source,) = record.sources
    revision = registry.git("rev-parse", "HEAD")
    assert (source.file, source.path) == ("data/bought.csv.dvc", "data/bought.csv")
    assert source.digest.md5 == record.data[0].digest.md5
    assert source.imported_from == ImportOrigin(
        kind="import", url=str(registry.root), path="sold/orders.csv", revision=revision
    )
    with shop.catalog() as catalog:
        entry = catalog.get("rows", 1)
        (node,) = [node for node in trace(catalog, "rows").nodes.values() if node.path == "data/bought.csv"]
        for asked in (str(registry.root), revision):
            (found,) = impact(catalog, find_subject(catalog, asked, Places())).versions
            assert found.ref == "rows@1"
            assert found.how is not None
            assert found.how.what == "data/bought.csv"
    words = f"tracked by data/bought.csv.dvc, imported from {registry.root}: sold/orders.csv at {revision}"
    assert node.detail.startswith(f"{words}, delivered by ")
    assert (node.origin, node.revision) == (str(registry.root), revision)
    shown = render_text(full_document(entry, Sequel()))
    assert words in " ".join(shown.split())


def test_an_import_of_a_url_names_it_and_what_lay_there(shop: Shop, tmp_path: Path) -> None:
    place = tmp_path / "drop" / "orders.csv"
    place.parent.mkdir()
    place.write_text(orders(40))
    shop.world.dvc("import-url", str(place), "data/dropped.csv")
    shop.world.commit("Import")
    (source,) = record_of(shop, "data/dropped.csv").sources
    origin = source.imported_from
    assert origin is not None
    assert (origin.kind, origin.url, origin.md5) == ("import-url", str(place), source.digest.md5)


def test_credentials_of_an_address_are_not_recorded(shop: Shop) -> None:
    text = shop.world.path("data/orders.csv.dvc").read_text()
    secret = "ghp_" + "0" * 36
    deps = "deps:\n- path: a.csv\n  repo: {{url: '{}', rev_lock: '1234567'}}\n"
    shop.world.write("data/orders.csv.dvc", deps.format(f"https://ada:{secret}@example.org/registry.git") + text)
    record = record_of(shop, "data/orders.csv")
    assert record.sources[0].imported_from is not None
    assert record.sources[0].imported_from.url == "https://example.org/registry.git"
    shop.world.write("data/orders.csv.dvc", deps.format(f"https://example.org/{secret}") + text)
    record = record_of(shop, "data/orders.csv")
    assert record.sources[0].imported_from is not None
    assert record.sources[0].imported_from.url is None
    said = "sources.data/orders.csv.imported_from.url: withheld, it appears to hold a secret"
    assert said in record.completeness.missing
    assert secret not in str(record)


def test_the_sources_behind_stages_are_named_once_and_those_recorded_anew_are_not(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.world.repro("split")
    model = model_asset(project=shop.project(), inputs=INPUTS)(shop.module().churn)
    for _ in range(2):
        assert dg.materialize([model], resources=shop.resources(), instance=instance).success
        shop.world.write("data/orders.csv", orders(301))
        shop.world.track("data/orders.csv")
    with shop.catalog() as catalog:
        first, second = (catalog.get("churn", number).record for number in (1, 2))
    (source,) = first.sources
    assert (source.file, source.imported_from) == ("data/orders.csv.dvc", None)
    (used,) = [dep for dep in first.stages[0].deps if dep.path == "data/orders.csv"]
    assert first.source_of(used) == source
    assert [first.source_of(each) for each in first.data] == [None, None]
    assert second.sources == ()


def test_a_folder_that_holds_several_tracked_files_names_each(shop: Shop) -> None:
    shop.world.write("in/a.csv", orders(20))
    shop.world.write("in/deep/b.csv", orders(30))
    shop.world.track("in/a.csv", "in/deep/b.csv")
    shop.world.write(
        "dvc.yaml", "stages: {join: {cmd: cat in/a.csv in/deep/b.csv > all.csv, deps: [in], outs: [all.csv]}}\n"
    )
    shop.world.repro("join")
    record = record_of(shop, "all.csv")
    assert [source.path for source in record.sources] == ["in/a.csv", "in/deep/b.csv"]
    assert [record.source_of(dep) for dep in record.stages[0].deps] == list(record.sources)


def test_the_commit_that_delivered_a_source_is_named(shop: Shop) -> None:
    def deliver(rows: int, author: str) -> str:
        shop.world.write("data/orders.csv", orders(rows))
        shop.world.track("data/orders.csv")
        shop.world.git("add", "-A")
        shop.world.git("commit", "-q", "-m", "Deliver", f"--author={author} <x@example.invalid>")
        return shop.world.git("rev-parse", "HEAD")

    deliver(50, "Ada")
    revision = deliver(60, "Grace Höpper")
    shop.world.append("data/orders.csv.dvc", "desc: what was sold\n")
    shop.world.commit("Describe it")
    record = record_of(shop, "data/orders.csv")
    delivery = record.sources[0].delivery
    assert delivery is not None
    assert (delivery.revision, delivery.author) == (revision, "Grace Höpper")
    assert delivery.date.isoformat() == shop.world.git("log", "-1", "--format=%aI", revision)
    assert not [gap for gap in record.completeness.missing if gap.startswith("sources")]
    shop.world.write("data/orders.csv", orders(50))
    shop.world.track("data/orders.csv")
    record = record_of(shop, "data/orders.csv")
    assert record.sources[0].delivery is None
    assert "sources.delivery: data/orders.csv.dvc: not committed as it is now" in record.completeness.missing


def test_a_folder_has_its_listing_and_what_kinds_of_files_it_holds(shop: Shop) -> None:
    shop.world.write("in/days/march.csv", orders(20))
    shop.world.write("in/days/April.CSV.gz", "x")
    shop.world.write("in/model.PKL", "y" * 7)
    shop.world.write("in/README", "z")
    shop.world.track("in")
    record = record_of(shop, "in")
    (source,), (snapshot,) = record.sources, record.data
    assert source.kinds == snapshot.kinds == {".csv": 1, ".csv.gz": 1, ".pkl": 1, "": 1}
    assert source.listing == snapshot.listing
    listed = listing_of(shop, source.listing)
    assert list(listed) == ["README", "days/April.CSV.gz", "days/march.csv", "model.PKL"]
    assert listed["model.PKL"] == (hashlib.md5(b"y" * 7).hexdigest(), 7)
    with shop.catalog() as catalog:
        shown = render_text(full_document(catalog.get("rows", 1), Sequel()))
    assert "in: 1 without suffix, 1 .csv, 1 .csv.gz, 1 .pkl" in shown


def test_a_folder_behind_a_stage_is_listed_from_what_is_on_this_machine(shop: Shop) -> None:
    shop.world.write("in/a.csv", orders(20))
    shop.world.write("in/b.csv", orders(30))
    shop.world.track("in")
    shop.world.write("dvc.yaml", "stages: {join: {cmd: cat in/*.csv > all.csv, deps: [in/b.csv], outs: [all.csv]}}\n")
    shop.world.repro("join")
    md5 = hashlib.md5(orders(20).encode()).hexdigest()
    whole = record_of(shop, "all.csv").sources[0]
    assert listing_of(shop, whole.listing)["a.csv"] == (md5, len(orders(20)))
    shop.world.cached(md5).unlink()
    shop.world.path("in/a.csv").unlink()
    assert listing_of(shop, record_of(shop, "all.csv").sources[0].listing)["a.csv"] == (md5, None)
    shop.world.cached(str(whole.digest.md5)).unlink()
    record = record_of(shop, "all.csv")
    assert record.sources[0].listing is None
    assert "sources.in.listing: not on this machine" in record.completeness.missing


def joined(shop: Shop, **files: str) -> None:
    """Track the folder `in`, of which a stage makes `all.csv`."""
    for name, text in files.items():
        shop.world.write(f"in/{name}.csv", text)
    shop.world.track("in")
    shop.world.write("dvc.yaml", "stages: {join: {cmd: cat in/*.csv > all.csv, deps: [in], outs: [all.csv]}}\n")
    shop.world.repro("join")


def profile_of(shop: Shop, source: TrackedSource) -> Profile:
    """Read a profile from the artifact store."""
    assert source.profile is not None
    store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
    return decode_profile(store.read(source.profile), [column.name for column in source.schema])


def test_a_table_behind_a_stage_has_a_profile(shop: Shop) -> None:
    joined(shop, a=orders(20), b=orders(30))
    (source,) = record_of(shop, "all.csv").sources
    assert (source.rows, [column.name for column in source.schema]) == (50, ["amount", "visits", "city", "left"])
    profile = profile_of(shop, source)
    assert (profile.rows, profile.duplicates) == (50, 20)
    assert list(profile.columns[2].values or ()) == [("Oslo", 25), ("Rome", 25)]


def test_a_source_that_training_reads_itself_has_the_profile_of_the_input(shop: Shop) -> None:
    record = record_of(shop, "data/orders.csv")
    (source,), (snapshot,) = record.sources, record.data
    assert source.rows == 300
    assert (source.rows, source.schema, source.profile) == (snapshot.rows, snapshot.schema, snapshot.profile)


def test_a_content_is_read_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(shop, a=orders(20))
    (first,) = record_of(shop, "all.csv").sources
    with monkeypatch.context() as patched:
        patched.setattr(tracked_sources, "MAX_BYTES", 0)
        assert record_of(shop, "all.csv").sources == (first,)
        other = model_asset(project=shop.project(), inputs={"train": "all.csv"}, name="other")(rows)
        with dg.DagsterInstance.ephemeral() as instance:
            assert dg.materialize([other], resources=shop.resources(), instance=instance).success
        with shop.catalog() as catalog:
            assert catalog.get("other", 1).record.sources == (first,)
        later = replace(describe_recorder(), version="later")
        patched.setattr(tracked_sources, "describe_recorder", lambda: later)
        assert record_of(shop, "all.csv").sources[0].profile is None, "another release reads it again"
    shutil.rmtree(resolve_settings(start=shop.root).artifacts)
    (again,) = record_of(shop, "all.csv").sources
    assert profile_of(shop, again).rows == 20


def test_what_is_too_large_is_not_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_sources, "MAX_BYTES", 100)
    joined(shop, a=orders(20))
    record = record_of(shop, "all.csv")
    assert record.sources[0].profile is None
    said = f"sources.in.profile: {len(orders(20))} bytes, and no more than 100 are read for profiles in a run"
    assert said in record.completeness.missing


def test_what_is_not_here_altered_or_no_table_is_a_gap(shop: Shop) -> None:
    joined(shop, a=orders(20), b=orders(30), c="amount\n1,2\n1,2,3\n")
    (source,) = (record := record_of(shop, "all.csv")).sources
    assert source.rows is None
    assert [gap for gap in record.completeness.missing if gap.startswith("sources.in.schema: cannot be read")]
    joined(shop, c=orders(10))
    cached = shop.world.cached(hashlib.md5(orders(20).encode()).hexdigest())
    shop.world.path("in/a.csv").unlink()
    cached.chmod(0o644)
    cached.write_text("amount\n1\n")
    record = record_of(shop, "all.csv")
    assert [
        gap for gap in record.completeness.missing if gap.startswith("sources.in.profile: an object of DVC's cache")
    ]
    cached.unlink()
    record = record_of(shop, "all.csv")
    assert record.sources[0].rows is None
    assert "sources.in.profile: not on this machine" in record.completeness.missing


def test_files_that_are_no_table_are_not_copied(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(shop, a=orders(20))
    shop.world.write("in/notes.pkl", "x")
    shop.world.track("in")
    shop.world.repro("join")
    monkeypatch.setattr(tracked_sources, "place_found", None)
    record = record_of(shop, "all.csv")
    assert record.sources[0].profile is None
    assert not [gap for gap in record.completeness.missing if gap.startswith("sources.in")]
