"""Identity proof: how it is known who somebody is: by a key, by an account, or by what was only stated."""

from enum import StrEnum


class IdentityProof(StrEnum):
    """How the name of a person is known."""

    KEY = "key"
    """The person signed with a key that the log has introduced."""
    OS = "os"
    """The account of the operating system that the process ran as."""
    DAGSTER_TAG = "dagster-tag"
    """A tag of the run, which everyone who may launch or edit it can set."""
    HEADER = "header"
    """A header of a request, which a proxy in front of the server set."""

    @property
    def is_claimed(self) -> bool:
        """Whether nothing proves the name."""
        return self in (IdentityProof.DAGSTER_TAG, IdentityProof.HEADER)
