"""Every released schema version is read for ever, and written again as the very same bytes."""

import hashlib
from pathlib import Path

import pytest

from lineage_pipelines.records.statement.lineage_record import decode, encode, record_digest

GOLDEN = Path(__file__).parents[1] / "golden" / "records"
FROZEN = {
    "v1/full.json": "89d7f5a78f03139039c22055592fe67611e35985b98f9300405271ef22c4ab8d",
    "v1/least.json": "065ecf2984551e2bdf3c6dff639a64468bc04e0e4b8b3d5e9fd4a5868dd3e594",
}


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_a_frozen_record_is_read_and_written_again_to_the_same_bytes(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == FROZEN[name], "a frozen record was edited"
    assert encode(decode(data)) == data
    assert record_digest(data).hex == FROZEN[name]


def test_every_frozen_record_is_listed() -> None:
    assert {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*.json")} == set(FROZEN)


def test_a_frozen_record_says_what_it_said() -> None:
    record = decode((GOLDEN / "v1" / "full.json").read_bytes())
    assert record.parameters["whole"] == 1.0
    assert isinstance(record.parameters["whole"], float)
    assert isinstance(record.parameters["count"], int)
    assert record.parameters["seed"] == 2**63
    assert repr(record.parameters["negative_zero"]) == "-0.0"
    assert record.run.seed == 2**63 + 1
    assert record.data[2].digest.md5 is not None
    assert record.data[2].digest.md5.endswith(".dir")
    assert record.data[2].extra == {"licence": "CC0-1.0"}
    assert record.extra == {"x_future": {"ratio": 1e17, "list": [1, None, "a"]}}
    assert [stage.name for stage in record.stages] == ["features", "split"]
