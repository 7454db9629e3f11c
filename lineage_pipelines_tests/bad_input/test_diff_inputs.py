"""What `lineage diff` and its neighbours answer to REFs that are none, data that is gone, and tables of any kind."""

import json
import resource
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lineage_pipelines_tests.bad_input.compared import Versions
from lineage_pipelines_tests.world import World

V1 = Path(__file__).with_name("profile_v1.json").read_bytes()
"""A profile as the first release wrote it, of the table that `flights` makes."""
VERBS = {
    "diff": ("diff", "{}", "flight_delay"),
    "diff, the second": ("diff", "flight_delay", "{}"),
    "trace": ("trace", "{}"),
    "what-changed": ("what-changed", "flight_delay", "--since", "{}"),
    "bisect": ("bisect", "flight_delay", "--metric", "roc_auc", "--good", "{}", "--bad", "flight_delay"),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return World(tmp_path_factory.mktemp("empty") / "project").root


@pytest.fixture
def versions(
    empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Versions:
    shutil.copytree(empty, tmp_path / "project", symlinks=True)
    made = Versions(tmp_path / "project", capsys)
    monkeypatch.chdir(made.world.root)
    return made


def flights(**otherwise: object) -> pa.Table:
    """The table that the frozen profile is of, some columns otherwise."""
    rows = 400
    columns = {
        "id": list(range(rows)),
        "origin": [("EWR", "JFK", "LGA")[i % 3] for i in range(rows)],
        "temp": [round(40 + (i * 37 % 101) / 2, 1) for i in range(rows)],
        "late": [i % 4 == 0 for i in range(rows)],
    }
    return pa.table({**columns, **otherwise})


# Which version?


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("flight_dely", "flight_delay"),
        ("flight_delay@9", "versions 1 to 2"),
        ("flight_delay@0", "a whole number from 1"),
        ("flight_delay@champion", "lineage history flight_delay"),
        ("abcdef00", "no record begins with abcdef00"),
        ("\x1b[31m", "\\x1b[31m"),
        ("fl\u202eight", "\\u202e"),
        ("", "fix:"),
    ],
)
def test_a_ref_that_is_none_is_told_with_what_there_is(versions: Versions, verb: str, ref: str, told: str) -> None:
    versions.add()
    versions.add()
    said = versions.ask(*(word.format(ref) for word in VERBS[verb]))
    assert (said.code, said.out) == (2, "")
    assert told in said.err or not ref
    assert "\x1b" not in said.err
    assert "\u202e" not in said.err


def test_a_digest_that_is_several_names_each_of_them(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    from lineage_pipelines.catalog.log import reader

    monkeypatch.setattr(reader, "check_prefix", lambda prefix: prefix[:1])  # six digits that meet take 2**12 versions
    entries = [versions.add() for _ in range(40)]
    first = entries[0].digest.hex[0]
    alike = [entry for entry in entries if entry.digest.hex[0] == first]
    assert len(alike) > 1
    for words in (("diff", first * 6, "flight_delay"), ("trace", first * 6)):
        said = versions.ask(*words)
        assert (said.code, said.out) == (2, "")
        assert all(f"{entry.ref} ({entry.digest.hex[:16]})" in said.err for entry in alike[:5])


def test_a_subject_that_nobody_used_is_told_with_what_is_near(versions: Versions) -> None:
    versions.add()
    for subject in ("data/trian.parquet", "00000000", "scikit-lern", "\x1b[31m", "fl\u202eight", ""):
        said = versions.ask("impact", subject)
        assert (said.code, said.out) == (2, ""), subject
        assert "\x1b" not in said.err
    assert "data/train.parquet" in versions.ask("impact", "data/trian.parquet").err


def test_versions_of_two_models_are_compared_and_called_so_first(versions: Versions) -> None:
    versions.add()
    versions.add(model="minutes")
    text = versions.ask("diff", "flight_delay", "minutes").out
    assert text.splitlines()[1].startswith("These are two models: flight_delay and minutes. ")
    markdown = versions.ask("diff", "flight_delay", "minutes", "--format", "markdown").out
    assert markdown.index("These are two models") < markdown.index("What differs")
    answer = versions.ask("diff", "flight_delay", "minutes", "--format", "json").json()
    assert (answer["first"]["model"], answer["second"]["model"]) == ("flight_delay", "minutes")


# What is gone, and what is old


def test_data_that_is_gone_is_answered_from_profiles_and_called_so(versions: Versions) -> None:
    before, after = versions.snapshot("train", flights()), versions.snapshot("train", flights(late=[False] * 400))
    versions.add(data=(before,))
    versions.add(data=(after,))
    there = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--rows", "--format", "json").json()["data"][0]
    assert (there["evidence"], there["weaker"]) == ("data", "")
    versions.lose(before, after)
    said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--rows", "--full")
    assert said.code == 1
    assert "from profiles: rows were not compared" in said.out
    assert "1. train: late true is gone" in said.out
    gone = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--rows", "--format", "json").json()["data"][0]
    assert (gone["evidence"], gone["row_change"]) == ("profiles", None)
    assert gone["columns"] == there["columns"]


def test_without_profiles_only_digests_are_left_and_that_is_said(versions: Versions) -> None:
    before, after = versions.snapshot("train", flights()), versions.snapshot("train", flights(late=[False] * 400))
    versions.add(data=(before,))
    versions.add(data=(after,))
    for each in (before, after):
        assert each.profile is not None
        versions.forget(each.profile)
    said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--full")
    assert "train has another content, and more is not known" in said.out
    assert "from digests: the profiles are not in the artifact store" in said.out
    assert (
        versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--format", "json").json()["data"][0][
            "columns"
        ]
        == []
    )


def test_a_profile_of_the_first_release_is_compared_with_one_of_now(versions: Versions) -> None:
    now = versions.snapshot("train", flights(late=[i % 2 == 0 for i in range(400)]))
    old = versions.with_profile(versions.snapshot("train", flights()), V1)
    versions.add(data=(old,))
    versions.add(data=(now,))
    said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--format", "json").json()
    assert said["data"][0]["weaker"] == (
        "before: its profile is of an older release, which does not tell the same rows in another order"
    )
    (late,) = said["data"][0]["columns"]
    assert late["facts"]["rate"] == {"before": 0.25, "after": 0.5}
    assert said["changes"][0]["subject"] == "train.late"
    assert "older release" in versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--full").out


def test_of_a_profile_of_the_first_release_no_more_is_said_than_it_tells(versions: Versions) -> None:
    """The same rows in another order: then the first release knew of no difference, and of no sameness either."""
    table = flights()
    old = versions.with_profile(versions.snapshot("train", table), V1)
    now = versions.snapshot("train", table.take(pa.array(list(range(399, -1, -1)))))
    versions.add(data=(old,))
    versions.add(data=(now,))
    said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--format", "json").json()
    assert said["data"][0]["same_rows"] is None
    texts = [change["text"] for change in said["changes"]]
    assert "whether its rows are the same is not known" in texts[0]
    assert not any("moved against" in text or "same rows, in another" in text for text in texts)


@pytest.mark.parametrize(
    "profile", [b"", b"{", b"[]", b'{"version":99,"rows":1}', b'{"version":2}', b"\xff\xfe", b"null"]
)
def test_a_profile_that_cannot_be_read_makes_an_answer_weaker_and_no_error(versions: Versions, profile: bytes) -> None:
    versions.add(data=(versions.with_profile(versions.snapshot("train", flights()), profile),))
    versions.add(data=(versions.snapshot("train", flights(late=[True] * 400)),))
    said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--no-rows", "--format", "json").json()
    assert said["data"][0]["evidence"] == "digests"
    assert "before: its profile" in said["data"][0]["weaker"]


# Tables of any kind


def _wide(columns: int, rows: int, moved: int) -> pa.Table:
    random = np.random.default_rng(5)
    shapes = {f"c{number:04}": random.normal(size=rows) for number in range(columns)}
    return pa.table({n: v + (9 if i < moved else 0) for i, (n, v) in enumerate(shapes.items())})


def test_five_thousand_columns_are_compared_in_bounded_time_and_told_shortly(versions: Versions) -> None:
    snapshots = [versions.snapshot("train", _wide(5000, 60, moved)) for moved in (0, 1000)]
    for each in snapshots:
        versions.add(data=(each,))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for words in ((), ("--rows",)):
        said = versions.ask("diff", "flight_delay@1", "flight_delay@2", *words)
        assert said.code == 1
        assert said.seconds < 30
        assert len(said.out) < 12_000
        assert max(map(len, said.out.splitlines())) < 1_000
        assert "train" in said.out.rpartition("What differs")[2]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 1e9
    rows = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--rows", "--format", "json").json()["data"][0]
    assert len(rows["columns"]) == 1000
    assert len(versions.ask("diff", "flight_delay@1", "flight_delay@2", "--format", "html").out) < 300_000


def test_text_that_is_no_utf_8_is_compared(versions: Versions) -> None:
    def listed(city: bytes) -> bytes:
        return b"id,city\n" + b"".join(b"%d,%s\n" % (i, city if i % 2 else b"Oslo") for i in range(60))

    for city in (b"Z\xfcrich", b"\xff\xfe\x80"):
        versions.add(data=(versions.snapshot("train", listed(city), "csv"),))
    for form in ("text", "json", "markdown", "html"):
        for words in ((), ("--rows",)):
            said = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--format", form, *words)
            assert said.code == 1
            said.out.encode()  # no half a surrogate pair
            assert "train" in said.out
    answer = versions.ask("diff", "flight_delay@1", "flight_delay@2", "--format", "json")
    assert json.loads(answer.out)["data"][0]["kind"] == "changed"
