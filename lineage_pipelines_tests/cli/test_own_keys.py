"""A person's key: how it is made, where it is kept, and what is refused about its file (row 62)."""

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.catalog.people import size
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.cli.test_approvals import entries, refused

FOR = ("approve", "flight_delay@2", "--to", "production", "--reason", "read the slices")
NEW = ("key", "new", "--owner", "ann@example.org")
PHRASE = "correct horse"


@pytest.fixture(autouse=True)
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ann's own configuration is."""
    for name in ("LINEAGE_APPROVAL_KEY", "LINEAGE_APPROVAL_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project / "config"))
    return project / "config"


def test_a_key_is_private_and_kept_in_ones_own_place(
    project: Path, config: Path, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = lineage(*NEW)
    path = config / "lineage" / "approval.pem"
    assert said.code == 0
    assert str(path) in said.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert lineage(*FOR).code == 0
    monkeypatch.setenv("LINEAGE_APPROVAL_KEY", str(project / "elsewhere.pem"))
    assert lineage(*NEW).code == 0
    assert (project / "elsewhere.pem").is_file()
    monkeypatch.delenv("LINEAGE_APPROVAL_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(project / "home"))
    assert lineage(*NEW).code == 0
    assert (project / "home" / ".config" / "lineage" / "approval.pem").is_file()


def test_a_key_is_never_replaced_and_may_serve_another_catalog(
    project: Path, lineage: Lineage, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lineage(*NEW).code == 0
    path = config / "lineage" / "approval.pem"
    key, before = path.read_bytes(), entries(project)
    refused(lineage(*NEW), 3, "there is a key already")
    refused(lineage(*NEW, "--existing"), 3, "the log knows the key")
    assert (path.read_bytes(), entries(project)) == (key, before)
    other = project / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.lineage]\n")
    monkeypatch.chdir(other)
    settings = resolve_settings(start=other)
    with Catalog(settings.catalog, keys=settings.keys):
        pass
    assert lineage(*NEW, "--existing").code == 0
    assert path.read_bytes() == key


def test_a_key_that_the_log_does_not_take_is_not_left_behind(project: Path, lineage: Lineage, config: Path) -> None:
    assert lineage(*NEW, "--output", "first.pem").code == 0
    (project / ".lineage" / "keys" / "log.pem").chmod(0o644)
    before = entries(project)
    refused(lineage(*NEW), 3, "others can read the signing key")
    assert not (config / "lineage" / "approval.pem").exists()
    assert entries(project) == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("key", "new"), 2, "--owner"),
        (("key", "new", "--owner", " "), 2, "not an owner"),
        (("key", "new", "--owner", "a\u202enn"), 2, "a\\u202enn"),
        (("key", "new", "--owner", "ann", "--output", "pyproject.toml/ann.pem"), 3, "no approval key can be made"),
        (("key", "new", "--owner", "ann", "--passphrase"), 3, "LINEAGE_APPROVAL_PASSPHRASE"),
        (("key", "new", "--owner", "ann", "--existing"), 3, "cannot be read"),
        (("key", "new", "--owner", "ann", "--passphrase", "secret"), 2, "unexpected extra argument"),
    ],
)
def test_a_key_that_cannot_be_made_is_told(
    project: Path, lineage: Lineage, words: tuple[str, ...], code: int, told: str
) -> None:
    before = entries(project)
    refused(lineage(*words), code, told)
    assert entries(project) == before


def _rsa(path: Path, cipher: serialization.KeySerializationEncryption | None = None) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = cipher or serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


_READABLE = "others can read the approval key"
_NO_KEY = "no Ed25519 key"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.chmod(0o644), _READABLE),
        (lambda path: path.chmod(0o640), _READABLE),
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (_folder, _NO_KEY),
        (_pipe, _NO_KEY),
        (_rsa, _NO_KEY),
        (lambda path: path.write_bytes(b""), _NO_KEY),
        (lambda path: path.write_bytes(b"\xff\0 no key"), _NO_KEY),
        (lambda path: path.write_bytes(path.read_bytes()[:60]), _NO_KEY),
    ],
)
def test_a_key_file_that_cannot_be_trusted_approves_nothing(
    project: Path, lineage: Lineage, config: Path, spoil: Callable[[Path], object], told: str
) -> None:
    assert lineage(*NEW).code == 0
    path = config / "lineage" / "approval.pem"
    spoil(path)
    before = entries(project)
    said = lineage(*FOR)
    refused(said, 3, told)
    fix = f"chmod 600 {path}" if told == _READABLE else "make a key of your own: lineage key new --owner"
    assert f"  where: {path}\n  fix:   {fix}" in said.err
    assert entries(project) == before


def test_a_passphrase_opens_its_key_and_another_does_not(
    project: Path, lineage: Lineage, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_APPROVAL_PASSPHRASE", PHRASE)
    assert lineage(*NEW, "--passphrase").code == 0
    path = config / "lineage" / "approval.pem"
    assert b"ENCRYPTED" in path.read_bytes()
    assert lineage(*FOR).code == 0
    before = entries(project)
    monkeypatch.setenv("LINEAGE_APPROVAL_PASSPHRASE", "wrong horse")
    said = lineage(*FOR)
    refused(said, 3, "the passphrase of the approval key is wrong")
    assert "horse" not in said.err
    monkeypatch.delenv("LINEAGE_APPROVAL_PASSPHRASE")
    refused(lineage(*FOR), 3, "there is no terminal to ask")
    monkeypatch.setenv("LINEAGE_APPROVAL_PASSPHRASE", PHRASE)
    path.unlink()
    _rsa(path, serialization.BestAvailableEncryption(PHRASE.encode()))
    path.chmod(0o600)
    refused(lineage(*FOR), 3, "no Ed25519 key")
    assert entries(project) == before


def test_a_passphrase_for_a_key_without_one_is_not_asked(
    project: Path, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.exists()
    assert lineage(*NEW).code == 0
    monkeypatch.setenv("LINEAGE_APPROVAL_PASSPHRASE", PHRASE)
    assert lineage(*FOR).code == 0


def test_a_passphrase_is_typed_unseen(project: Path) -> None:
    lineage = str(Path(sys.executable).with_name("lineage"))
    shown = typed(project, [lineage, *NEW, "--passphrase"], f"{PHRASE}\n{PHRASE}\n")
    assert "is registered" in shown
    shown += typed(project, [lineage, *FOR], f"{PHRASE}\n")
    assert "approves flight_delay@2 for production" in shown
    assert "the passphrase of the approval key is wrong" in typed(project, [lineage, *FOR], "wrong\n")
    assert PHRASE not in shown
    settings = resolve_settings(start=project)
    with Catalog(settings.catalog, read_only=True) as catalog:
        assert [entry.kind for entry in catalog.log.walk()][-1] == "approval"
        assert size(catalog) == 7


def typed(project: Path, command: list[str], words: str) -> str:
    """Run a command on a terminal, answer each of its prompts with a line of `words`; return what is shown."""
    main, side = pty.openpty()
    shown, lines = b"", words.splitlines(keepends=True)
    with subprocess.Popen(
        command, cwd=project, stdin=side, stdout=side, stderr=side, start_new_session=True
    ) as running:
        os.close(side)
        while part := _read(main):
            shown += part
            if lines and shown.endswith(b": "):  # by now it has switched off that the terminal shows what is typed
                os.write(main, lines.pop(0).encode())
        running.wait(60)
    os.close(main)
    return shown.decode(errors="replace")


def _read(main: int) -> bytes:
    try:
        return os.read(main, 4096)
    except OSError:  # the other side was closed
        return b""
