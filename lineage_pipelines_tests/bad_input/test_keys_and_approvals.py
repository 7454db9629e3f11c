"""Secrets beside a decision, keys that are none, and approvals that cannot count (35, 36, 61, 62)."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_pipelines_tests.bad_input.project import TOKEN, Project, check_refused

SECRETS = {
    "a token": TOKEN,
    "a password": "see password=hunter2! for the data",
    "a url": "from postgresql://ann:hunter2@db.example/flights",
    "an access key": "AKIA" + "ABCD1234EFGH5678",
    "a private key": "it is -----BEGIN PRIVATE KEY-----",
    "a web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}
FOR = ("approve", "flight_delay@1", "--to", "production", "--key", "ann.pem")
NEW = ("key", "new", "--output", "new.pem")


def grep(project: Project, text: str) -> bool:
    """Say whether a text is in any file of the project."""
    return any(text.encode() in path.read_bytes() for path in project.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_in_a_reason_is_refused_and_never_told(project: Project, kind: str) -> None:
    secret = SECRETS[kind]
    told = ["the reason seems to contain a secret", "  where: the reason"]
    done = project.refused(2, "promote", "flight_delay@1", "--to", "production", "--reason", secret, told=told)
    assert not any(part in done.stderr for part in (secret, TOKEN, "hunter2", "AKIA", "BEGIN", "eyJ"))
    assert not grep(project, secret)


def verbs(project: Project) -> list[tuple[str, ...]]:
    """Return every verb that takes a reason, but for the reason."""
    project.run("promote", "flight_delay@2", "--override", "--to", "production", "--reason", "x")
    project.run("promote", "flight_delay@1", "--override", "--to", "production", "--reason", "x")
    key = json.loads(project.run("key", "list", "--format", "json").stdout)[1]["key"]
    return [
        ("promote", "flight_delay@3", "--to", "production", "--override"),
        ("reject", "flight_delay@3"),
        ("rollback", "flight_delay"),
        ("retire", "flight_delay"),
        FOR,
        ("key", "revoke", key),
    ]


def test_every_verb_refuses_a_reason_that_must_not_or_cannot_be_kept(people: Project) -> None:
    for words in verbs(people):
        done = people.refused(2, *words, "--reason", f"it is {TOKEN}", told=["seems to contain a secret"])
        assert TOKEN not in done.stderr
        people.refused(2, *words, "--reason", " \t\n\u200b", told=["the reason is empty"])
    reject = ("reject", "flight_delay@3", "--reason")
    people.refused(2, *reject, "", told=["--reason is empty"])
    people.refused(2, *reject, "a" * 4001, told=["4,001 characters, more than 4,000"])
    assert people.run(*reject, "a" * 4000).returncode == 0
    assert not grep(people, TOKEN)


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        (TOKEN, "the owner seems to contain a secret"),
        ("postgresql://ann:hunter2@db.example/x", "the owner seems to contain a secret"),
        ("a\u202enn", "not an owner of a key"),
        ("\x1b[31mann", "not an owner of a key"),
        (b"ann\xff", "not an owner of a key"),
        (" ", "not an owner of a key"),
        ("", "--owner is empty"),
        ("a" * 201, "not an owner of a key"),
    ],
)
def test_an_owner_that_cannot_be_kept_gets_no_key(project: Project, owner: str | bytes, told: str) -> None:
    done = project.refused(2, *NEW, "--owner", owner, told=[told])
    assert "hunter2" not in done.stderr
    assert TOKEN not in done.stderr
    assert not (project.root / "new.pem").exists()


# Key files


def _huge(path: Path) -> None:
    path.touch(mode=0o600)
    os.truncate(path, 1 << 40)  # without a block on the disk


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        path.unlink()
        make(path)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.chmod(0o644), ["others can read the approval key", "chmod 600 "]),
        (_replaced(lambda path: path.mkdir(mode=0o755)), ["no Ed25519 key", "lineage key new"]),
        (_replaced(lambda path: os.mkfifo(path, 0o644)), ["no Ed25519 key"]),
        (_replaced(lambda path: path.symlink_to("/dev/zero")), ["no Ed25519 key"]),
        (_replaced(lambda path: path.symlink_to(path)), ["cannot be read: Too many levels"]),
        (_replaced(lambda _: None), ["cannot be read: No such file", "lineage key new"]),
        (_replaced(_huge), ["no Ed25519 key"]),
        (lambda path: path.write_bytes(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), ["there is no terminal to ask"]),
    ],
    ids=["readable", "folder", "pipe", "device", "loop", "missing", "huge", "encrypted"],
)
def test_a_file_that_is_no_key_of_ones_own_approves_nothing(
    people: Project, spoil: Callable[[Path], object], told: list[str]
) -> None:
    spoil(people.root / "ann.pem")
    before = people.entries()
    done = people.run(*FOR, "--reason", "x")
    check_refused(done, 3, told)
    assert "chmod" not in done.stderr or told[0].startswith("others")
    assert people.entries() == before


@pytest.mark.parametrize(
    ("output", "code", "told"),
    [
        ("folder", 3, "the path exists, but is not a key file"),
        ("pipe", 3, "the path exists, but is not a key file"),
        ("/dev/null", 3, "the path exists, but is not a key file"),
        ("ann.pem", 3, "there is a key already"),
        ("nowhere\0"[:-1] + "/" + "a" * 300, 3, "File name too long"),
        ("pyproject.toml/ann.pem", 3, "no approval key can be made"),
        ("/proc/self/ann.pem", 3, "no approval key can be made"),
        ("", 2, "--output is empty"),
    ],
)
def test_a_key_is_written_over_nothing_and_nowhere_else(people: Project, output: str, code: int, told: str) -> None:
    (people.root / "folder").mkdir()
    os.mkfifo(people.root / "pipe")
    people.refused(code, "key", "new", "--owner", "bob", "--output", output, told=[told])


@pytest.mark.parametrize("option", [("--key", ""), ("--key=",)])
def test_a_key_that_was_meant_and_is_not_named_is_not_replaced_by_another(
    people: Project, option: tuple[str, ...]
) -> None:
    env = {"LINEAGE_APPROVAL_KEY": str(people.root / "ann.pem")}
    words = ("approve", "flight_delay@1", "--to", "production", "--reason", "x")
    people.refused(2, *words, *option, env=env, told=["--key is empty; is a variable of the shell not set?"])
    assert people.run(*words, env=env).returncode == 0


@pytest.mark.parametrize("prefix", ["\u0663", "%", "_", "' OR 1=1 --", b"\xff", "--help", "zz", "0" * 65])
def test_a_key_that_the_log_does_not_know_is_not_revoked(project: Project, prefix: str | bytes) -> None:
    project.refused(2, "key", "revoke", "--reason", "x", "--", prefix, told=["no key begins with", "the log knows: "])


def test_who_trained_and_whose_key_was_revoked_approves_nothing(people: Project) -> None:
    ada = (*FOR[:-1], "ada.pem", "--reason", "x")
    people.refused(3, *ada, told=["nobody may approve a version of their own", "where: the rule 'approvals'"])
    key = json.loads(people.run("key", "list", "--format", "json").stdout)[1]["key"]
    assert people.run("key", "revoke", key, "--reason", "stolen").returncode == 0
    people.refused(3, *FOR, "--reason", "x", told=["of ann@example.org was revoked by entry", "lineage key new"])
    people.refused(2, "approve", "flight_delay@9", *FOR[2:], "--reason", "x", told=["versions 1 to 3"])
    done = people.run("promote", "flight_delay@1", "--to", "production", "--reason", "x")
    assert done.returncode == 1
    assert "nothing was changed" in done.stdout


def test_a_key_is_its_owners_alone_whatever_the_umask(project: Project) -> None:
    done = project.run(*NEW, "--owner", "bob", preexec_fn=lambda: os.umask(0) and None)
    assert done.returncode == 0
    assert stat.S_IMODE((project.root / "new.pem").stat().st_mode) == 0o600
