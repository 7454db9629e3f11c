"""Public URL: addresses as a record may hold them: without credentials, and without paths of one machine."""

import re
from urllib.parse import urlsplit, urlunsplit

from lineage_pipelines.capture.secrets import token_shape

_SCP = re.compile(r"(?:([^/:@]+)@)?((?:\[[^\]]+\]|[^/:@]+)):(?!//)(.+)")


def public_url(url: str) -> str | None:
    """Return an address without password, token or query; None when it is a path of this machine.

    `https://example.org/x.git?page=1` gives `https://example.org/x.git`, and so does the same with a name and a
    password before the host; of SSH addresses the user name stays, since `git@` is part of the address and no secret.
    """
    if not url or "\n" in url:
        return None
    if "://" not in url:
        scp = _SCP.fullmatch(url)
        if scp is None or _is_drive(url):
            return None
        cleaned = f"{scp[1]}@{scp[2]}:{scp[3]}" if scp[1] else f"{scp[2]}:{scp[3]}"
    else:
        cleaned = _clean(url)
    return None if not cleaned or token_shape(cleaned) else cleaned


def public_address(address: str) -> str | None:
    """Return a URL as `public_url`, and a path as it is; None when it appears to hold a secret."""
    path = address.removeprefix("file://")
    if "://" in path or _SCP.fullmatch(path):
        return public_url(path)
    return path if path and "\n" not in path and token_shape(path) is None else None


def _is_drive(url: str) -> bool:
    return len(url) > 1 and url[1] == ":" and url[0].isalpha()


def _clean(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme == "file" or not parts.hostname:
        return ""
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    if name and "ssh" in parts.scheme and not token_shape(name):
        host = f"{name}@{host}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
