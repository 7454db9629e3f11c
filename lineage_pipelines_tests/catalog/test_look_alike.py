"""Nobody gets a key under a name that looks like somebody else's."""

from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.errors import LineageError
from lineage_pipelines_tests.samples import make_record

ANN = "ann.pioli@example.org"


def introduce(folder: Path, owner: str) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="1"))
        number = len(list(folder.glob("*.pem")))
        catalog.registry.introduce_key(ApprovalKey(folder / f"{number}.pem", create=True).introduction(owner))


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("Ann.Pioli@example.org", "looks like"),
        ("ann.pioIi@example.org", "looks like"),
        ("ann.pi0li@example.org", "looks like"),
        ("ann.pio1i@example.org", "looks like"),
        ("\uff41nn.pioli@example.org", "looks like"),
        ("\u0430nn.pioli@example.org", "mixes letters of several scripts"),
        ("ann.p\u03b9oli@example.org", "mixes letters of several scripts"),
        ("ann.\u200bpioli@example.org", "not an owner of a key"),
        ("ann.pioli@example.org\U000e0061", "not an owner of a key"),
    ],
)
def test_a_name_that_looks_like_another_is_refused(tmp_path: Path, owner: str, words: str) -> None:
    introduce(tmp_path, ANN)
    with pytest.raises(LineageError, match=words):
        introduce(tmp_path, owner)


@pytest.mark.parametrize(
    "owner", [ANN, "bob@example.org", "ann.poli@example.org", "\u0410\u043d\u043d\u0430", "Zo\u00eb"]
)
def test_other_people_and_the_same_person_get_a_key(tmp_path: Path, owner: str) -> None:
    introduce(tmp_path, ANN)
    introduce(tmp_path, owner)
