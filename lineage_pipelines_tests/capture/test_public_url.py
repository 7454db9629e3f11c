"""Addresses lose their credentials, and paths of this machine are no addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.capture.git.public_url import public_url


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://example.org/team/x.git", "https://example.org/team/x.git"),
        ("https://ada@example.org/x.git", "https://example.org/x.git"),
        ("https://ada:hunter2@example.org:8443/x.git", "https://example.org:8443/x.git"),
        ("https://example.org/x.git?private_token=abc#f", "https://example.org/x.git"),
        ("ssh://git@example.org:22/x.git", "ssh://git@example.org:22/x.git"),
        ("ssh://git:hunter2@example.org/x.git", "ssh://git@example.org/x.git"),
        ("git+ssh://git@example.org/x.git", "git+ssh://git@example.org/x.git"),
        ("git@example.org:team/x.git", "git@example.org:team/x.git"),
        ("example.org:x.git", "example.org:x.git"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("/home/ada/x.git", None),
        ("../x.git", None),
        ("file:///home/ada/x.git", None),
        ("C:\\ada\\x.git", None),
        ("C:/ada/x.git", None),
        ("https://[broken/x", None),
        ("https://example.org/ghp_" + "0" * 36 + "/x", None),
        ("a\nb", None),
        ("", None),
    ],
)
def test_what_is_left_of_an_address(url: str, public: str | None) -> None:
    assert public_url(url) == public


@given(st.text(st.characters(exclude_characters="/:@?#[]\\", exclude_categories=["Cs", "Cc"]), min_size=8))
def test_a_password_never_stays(password: str) -> None:
    for url in (f"https://ada:{password}@example.org/x.git", f"https://example.org/x.git?token={password}"):
        assert password not in (public_url(url) or "")
