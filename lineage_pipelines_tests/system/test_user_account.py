"""The user's account, with a name and without one."""

import os
import pwd

import pytest

from lineage_pipelines.system.user_account import account, user_name


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of which only the number is known, as in a container that runs as any user."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_an_account_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert (user_name(), account()) == ("ada", "ada")


@pytest.mark.usefixtures("nameless")
def test_an_account_without_a_name_goes_by_its_number() -> None:
    assert (user_name(), account()) == (None, f"uid {os.getuid()}")
