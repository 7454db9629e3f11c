"""User account that this process runs as."""

import getpass
import os


def user_name() -> str | None:
    """Return the name of the account; None if it has none, as a user of a container that has only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # which of the two depends on Python's version
        return None


def account() -> str:
    """Return the name of the account, or its number where it has no name: `uid 1234`."""
    return user_name() or f"uid {os.getuid()}"
