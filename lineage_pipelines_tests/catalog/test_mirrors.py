"""What a mirror of the catalog is owed, and the lock under which it is told: on every database."""

import subprocess
import sys
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines_tests.samples import make_record


def test_what_a_mirror_is_owed_is_written_with_the_entry(url: str, tmp_path: Path) -> None:
    with Catalog(url, mirrors=("mlflow",)) as catalog:
        entry = catalog.append(make_record("1"), notify=[DAGSTER])
        assert catalog.append(make_record("1"), notify=[DAGSTER]).seq == entry.seq
        draft = draft_promotion(catalog, entry, "production", by="carol", reason="x", project_dir=tmp_path)
        decided = catalog.registry.decide(draft)
        assert [owed.seq for owed in catalog.outbox.pending("mlflow")] == [entry.seq, decided]
        assert [owed.seq for owed in catalog.outbox.pending("mlflow", limit=1)] == [entry.seq]
        assert [owed.seq for owed in catalog.outbox.pending_versions(DAGSTER)] == [entry.seq]
        catalog.outbox.mark_delivered("mlflow", catalog.outbox.pending("mlflow", limit=1))
        assert [owed.seq for owed in catalog.outbox.pending("mlflow")] == [decided]


def test_without_a_mirror_nothing_is_owed(catalog: Catalog) -> None:
    catalog.append(make_record("1"))
    assert catalog.outbox.pending("mlflow") == []


def test_one_at_a_time_is_alone(url: str) -> None:
    with Catalog(url) as one, Catalog(url) as two:
        with (
            one.outbox.exclusive("mirror") as first,
            two.outbox.exclusive("mirror") as second,
            two.outbox.exclusive("other") as third,
        ):
            assert (first, second, third) == (True, False, True)
            two.append(make_record("1"))  # it keeps nobody from writing
        with two.outbox.exclusive("mirror") as held:
            assert held


def test_a_killed_process_lets_go(url: str) -> None:
    holds = (
        "import sys, time\nfrom lineage_pipelines import Catalog\n"
        "with Catalog(sys.argv[1]) as catalog, catalog.outbox.exclusive('mirror') as held:\n"
        "    print(held, flush=True)\n    time.sleep(60)\n"
    )
    with Catalog(url) as catalog:
        child = subprocess.Popen([sys.executable, "-c", holds, url], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        with catalog.outbox.exclusive("mirror") as held:
            assert not held
        child.kill()
        child.communicate()
        for _ in range(100):  # a server notices a moment later
            with catalog.outbox.exclusive("mirror") as held:
                if held:
                    return
    raise AssertionError("the lock outlived its process")
