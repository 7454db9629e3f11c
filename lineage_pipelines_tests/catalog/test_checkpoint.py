"""Signed notes: read as they were written, and not when a bit of them is another."""

import base64
import contextlib
from pathlib import Path

import pytest

from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, read_note, signed_by, write_note
from lineage_pipelines.catalog.transparency.signing import LogKey, PublicKey
from lineage_pipelines.errors import CatalogError

POINT = Checkpoint(origin="lineage-pipelines.log/0123456789abcdef", size=1234, root=bytes(range(32)))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    return LogKey(tmp_path_factory.mktemp("keys") / "log.pem")


def test_a_note_is_read_as_it_was_written(key: LogKey) -> None:
    note = write_note(POINT, key)
    assert read_note(note, where="here") == POINT
    found = signed_by(note, [PublicKey(key.public)], where="here")
    assert found is not None
    assert found.keyid == key.keyid


def test_another_key_has_not_signed_it(key: LogKey, tmp_path: Path) -> None:
    other = LogKey(tmp_path / "other.pem")
    assert signed_by(write_note(POINT, key), [PublicKey(other.public)], where="here") is None


def test_more_signatures_and_foreign_ones_do_not_matter(key: LogKey, tmp_path: Path) -> None:
    witness = (
        write_note(POINT, LogKey(tmp_path / "witness.pem")).splitlines()[-1].replace(POINT.origin, "witness.example")
    )
    note = write_note(POINT, key)
    head, _, mark = note.partition("\n\n")
    assert signed_by(f"{head}\n\n{witness}\n{mark}", [PublicKey(key.public)], where="here") is not None


def test_no_bit_of_it_may_be_another(key: LogKey) -> None:
    note = write_note(POINT, key).encode()
    believed = []
    for at in range(len(note) - 1):  # the last new line means nothing
        for bit in range(8):
            flipped = note[:at] + bytes([note[at] ^ 1 << bit]) + note[at + 1 :]
            text = flipped.decode("utf-8", "replace")
            with contextlib.suppress(CatalogError):
                same = read_note(text, where="here") == POINT
                if same and signed_by(text, [PublicKey(key.public)], where="here") is not None:
                    believed.append((at, bit))
    assert believed == []


def test_base64_has_one_form(key: LogKey) -> None:
    note = write_note(POINT, key)
    root = base64.b64encode(POINT.root).decode()
    other = root[:-2] + chr(ord(root[-2]) + 1) + "="
    assert base64.b64decode(other) == POINT.root
    with pytest.raises(CatalogError, match="not a checkpoint"):
        read_note(note.replace(root, other), where="here")
