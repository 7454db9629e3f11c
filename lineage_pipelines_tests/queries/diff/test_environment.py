from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.queries.diff.changes import EnvironmentChange, Kind, PackageChange
from lineage_pipelines.queries.diff.code.environment import compare_environment
from lineage_pipelines.queries.diff.explanation import scores
from lineage_pipelines.queries.diff.explanation.record_layers import environment_changes
from lineage_pipelines.records.statement.environment import Recorder
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines_tests.queries.diff.stored import Store, pairs, swapped
from lineage_pipelines_tests.samples import digest, make_record

BASE = replace(make_record(), artifact=replace(make_record().artifact, requirements=()))
LIST = "numpy==2.3.5\npandas==3.1.1\npyyaml==6.0\nscikit-learn==1.9.0\nzipp==3.0\n"


def installed(store: Store, packages: str, record: LineageRecord = BASE, *, imported: str | None = "") -> LineageRecord:
    text = packages.encode()
    count = packages.count("\n")
    names = store.put(imported.encode()) if imported is not None else None
    environment = replace(record.environment, packages=store.put(text), package_count=count, imported=names)
    return replace(record, environment=environment)


def test_equal_lists_are_folded() -> None:
    store = Store()
    first = installed(store, LIST)
    change = compare_environment(first, installed(store, LIST), store)
    assert (change.identical, change.packages, change.unchanged, change.same["numpy"]) == (True, (), 5, "2.3.5")
    assert compare_environment(first, first, Store()).unchanged == 5


def test_imported_libraries_come_first() -> None:
    store = Store()
    first = installed(store, LIST, imported="pyyaml\n")
    new = "numpy==2.4.0\npandas==3.2.0\npyyaml==7.0\nscikit-learn==1.10.0\nadded==1 @ git+https://x.invalid/a@1f\n"
    change = compare_environment(first, installed(store, new, imported="scikit-learn\n"), store)
    assert [(each.name, each.kind, each.imported) for each in change.packages] == [
        ("pyyaml", Kind.CHANGED, True),
        ("scikit-learn", Kind.CHANGED, True),
        ("added", Kind.ADDED, False),
        ("numpy", Kind.CHANGED, False),
        ("pandas", Kind.CHANGED, False),
        ("zipp", Kind.REMOVED, False),
    ]
    assert (change.packages[2].after, change.weaker) == ("1 @ git+https://x.invalid/a@1f", "")


def test_what_the_model_file_needs_counts_as_imported() -> None:
    store = Store()
    record = replace(make_record(), artifact=replace(make_record().artifact, requirements=("Scikit_Learn==1.9.1",)))
    first, second = (installed(store, f"scikit-learn=={n}\nskops==0.1{n}\n", record) for n in (1, 2))
    packages = compare_environment(first, second, store).packages
    assert {each.name: each.imported for each in packages} == {"scikit-learn": True, "skops": False}


def test_the_same_version_from_another_commit_is_another_library() -> None:
    store = Store()
    first, second = (installed(store, f"own==1.0 @ git+https://x.invalid/o@{n}\n") for n in (1, 2))
    assert [each.name for each in compare_environment(first, second, store).packages] == ["own"]


def test_a_lost_list_is_named_and_nothing_is_invented() -> None:
    store = Store()
    first = replace(BASE, environment=replace(BASE.environment, packages=digest("lost")))
    change = compare_environment(first, installed(store, LIST), store)
    assert (change.identical, change.packages, change.unchanged) == (False, (), 0)
    assert (
        change.weaker == "the list of packages of the first version is not kept, so which of them differ is not known"
    )


@pytest.mark.parametrize(
    ("imports", "side", "pandas"),
    [((None, "pandas\n"), "the first", True), (("pandas\n", None), "the second", True), ((None, None), "either", None)],
)
def test_where_imports_are_not_recorded_nothing_is_claimed(
    imports: tuple[str | None, str | None], side: str, pandas: bool | None
) -> None:
    store = Store()
    first, second = (installed(store, f"numpy=={n}\npandas=={n}\n", imported=each) for n, each in enumerate(imports, 1))
    change = compare_environment(first, second, store)
    assert change.weaker == f"which libraries the training of {side} version imported is not recorded"
    assert {each.name: each.imported for each in change.packages} == {"numpy": None, "pandas": pandas}


def test_facts_of_the_machine() -> None:
    other = replace(
        BASE, environment=replace(BASE.environment, python="CPython 3.12.1", threads={"cpus": 4}, lock=digest("lock"))
    )
    change = compare_environment(BASE, other, Store())
    assert change == EnvironmentChange(
        identical=False,
        unchanged=212,
        facts={
            "python": ("CPython 3.11.7", "CPython 3.12.1"),
            "threads.cpus": (2, 4),
            "threads.openblas": (2, None),
            "lock": (None, str(digest("lock"))),
        },
    )


names = st.from_regex(r"[a-z][a-z0-9-]{0,3}", fullmatch=True)
lists = st.dictionaries(names, st.sampled_from(["1", "2", "3 @ local"]), max_size=6)


@given(lists, lists)
def test_every_library_is_counted_once(left: dict[str, str], right: dict[str, str]) -> None:
    store = Store()
    first, second = (
        installed(store, "".join(f"{name}=={version}\n" for name, version in sorted(each.items())))
        for each in (left, right)
    )
    there, back = compare_environment(first, second, store), compare_environment(second, first, store)
    both = {name for name in left if right.get(name) == left[name]}
    assert (there.unchanged, set(there.same)) == (len(both), both)
    assert {each.name for each in there.packages} == {*left, *right} - both
    other = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    assert back.packages == tuple(
        PackageChange(name=p.name, kind=other.get(p.kind, p.kind), before=p.after, after=p.before, imported=p.imported)
        for p in there.packages
    )


def test_the_library_that_made_the_record_ranks_below_the_machine() -> None:
    store = Store()
    plain = installed(store, LIST)
    one, other = (
        replace(
            plain,
            environment=replace(
                plain.environment, cpu=text, recorder=Recorder(name="own", version="1.0", source=digest(text))
            ),
        )
        for text in ("a", "b")
    )
    change = compare_environment(one, other, store)
    assert change.facts["recorder"] == (f"own 1.0 ({digest('a')})", f"own 1.0 ({digest('b')})")
    assert compare_environment(other, one, store).facts["recorder"] == swapped(change.facts["recorder"])
    found = {each.subject: each for each in environment_changes(change)}
    assert found["recorder"].score == scores.OTHER_LIBRARY < found["cpu"].score
    assert (found["recorder"].before, found["recorder"].after) == change.facts["recorder"]
    assert change_text(found["recorder"]).startswith("the library that made the record: ")
    assert "recorder" not in compare_environment(plain, other, store).facts  # schema 1 does not name it


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    assert compare_environment(first, first, Store()).identical
    there, back = compare_environment(first, second, Store()), compare_environment(second, first, Store())
    assert back.facts == {name: swapped(values) for name, values in there.facts.items()}
    assert there.identical == back.identical
