"""The first version on the bad side, whatever the metric does in between."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.versions.bisect import Bisection, bisect_metric
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.samples import make_record

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _ask(folder: Path, values: list[float | None], good: str, bad: str, *, threshold: float | None = None) -> Bisection:
    with Catalog(f"sqlite:///{folder}/catalog.db") as catalog:
        for number, value in enumerate(values):
            record = make_record(str(number), auc=0.5 if value is None else value, raw=f"delivery {number // 2}")
            catalog.append(record if value is not None else dataclasses.replace(record, evaluation=None))
        catalog.append(make_record("0", model="minutes"))
        return bisect_metric(catalog, "flight_delay", "roc_auc", good=good, bad=bad, threshold=threshold)


def test_the_first_version_on_the_bad_side_of_the_middle(tmp_path: Path) -> None:
    found = _ask(tmp_path, [0.75, 0.74, 0.76, 0.61, 0.6], "1", "flight_delay@5")
    assert found.threshold == pytest.approx(0.675)
    assert found.monotonic
    assert (found.first.before.version, found.first.after.version) == (3, 4)
    assert found.first.same_data is True
    assert [each.bad for each in found.versions] == [False, False, False, True, True]


def test_all_crossings_are_told_when_there_are_several(tmp_path: Path) -> None:
    found = _ask(tmp_path, [0.75, 0.6, 0.74, 0.61], "1", "4")
    assert not found.monotonic
    assert [(each.before.version, each.after.version) for each in found.crossings] == [(1, 2), (2, 3), (3, 4)]
    assert [each.same_data for each in found.crossings] == [True, False, True]


def test_a_version_without_the_metric_is_left_out_and_named(tmp_path: Path) -> None:
    found = _ask(tmp_path, [0.75, None, 0.6], "1", "3")
    assert found.unmeasured == (2,)
    assert (found.first.before.version, found.first.after.version) == (1, 3)


def test_the_good_one_may_come_later(tmp_path: Path) -> None:
    found = _ask(tmp_path, [0.6, 0.61, 0.75], "3", "1")
    assert (found.first.before.version, found.first.after.version) == (3, 2)


def test_a_threshold_of_ones_own(tmp_path: Path) -> None:
    found = _ask(tmp_path, [0.75, 0.7, 0.6], "1", "3", threshold=0.72)
    assert found.first.after.version == 2


@pytest.mark.parametrize(
    ("good", "bad", "threshold"),
    [("1", "2", None), ("1", "1", None), ("1", "3", 0.9), ("1", "3", 0.5), ("1", "9", None), ("minutes@1", "3", None)],
)
def test_what_cannot_be_divided_is_refused(tmp_path: Path, good: str, bad: str, threshold: float | None) -> None:
    with pytest.raises(NotFoundError):
        _ask(tmp_path, [0.75, 0.75, 0.6], good, bad, threshold=threshold)


def test_a_metric_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    _ask(tmp_path, [0.75, 0.6], "1", "2")
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog, pytest.raises(NotFoundError) as told:
        bisect_metric(catalog, "flight_delay", "rock_auc", good="1", bad="2")
    assert "roc_auc" in told.value.fix


def test_two_values_without_a_number_between_them_are_told_apart(tmp_path: Path) -> None:
    for number, (good, bad) in enumerate([(5e-324, 0.0), (0.0, 5e-324), (1.0, 1.0000000000000002)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert _ask(folder, [good, bad], "1", "2").first.after.version == 2


@in_one_folder
@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda values: values[0] != values[-1]))
def test_between_good_and_bad_there_is_always_an_odd_number_of_crossings(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    found = _ask(tmp_path_factory.mktemp("catalog"), list(values), "1", str(len(values)))
    assert len(found.crossings) % 2 == 1
    assert not found.first.before.bad
    assert found.first.after.bad
    assert not any(each.bad for each in found.versions[: found.first.before.version])


def test_without_a_recorded_sha256_it_is_not_known_whether_the_data_is_the_same(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        for number, value in enumerate((0.8, 0.6)):
            record = make_record(str(number), auc=value)
            data = tuple(
                dataclasses.replace(each, digest=DigestSet(md5=each.digest.md5, sha256=None)) for each in record.data
            )
            catalog.append(dataclasses.replace(record, data=data))
        found = bisect_metric(catalog, "flight_delay", "roc_auc", good="1", bad="2")
    assert found.first.same_data is None


def test_only_versions_of_the_partition_are_searched(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        for number, auc in enumerate([0.75, 0.5, 0.74, 0.51, 0.6, 0.52], 1):
            partition = Partition(identity="west" if number % 2 else "east")
            catalog.append(make_record(str(number), auc=auc, partition=partition))
        for model, good, bad in (("flight_delay[west]", "1", "5"), ("flight_delay", "flight_delay[west]@1", "5")):
            found = bisect_metric(catalog, model, "roc_auc", good=good, bad=bad)
            assert found.model == "flight_delay[west]"
            assert [each.version for each in found.versions] == [1, 3, 5]
            assert found.first.after.version == 5
        for model, good, bad, said in (
            ("flight_delay", "1", "2", "are of different partitions"),
            ("flight_delay[west]", "1", "2", "is of \\[east\\]"),
            ("flight_delay[west]", "1", "flight_delay@2", "is not a version of flight_delay\\[west\\]"),
        ):
            with pytest.raises(NotFoundError, match=said):
                bisect_metric(catalog, model, "roc_auc", good=good, bad=bad)
