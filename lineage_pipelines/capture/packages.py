"""Every installed distribution, one line each: what `environment.packages` names by digest."""

import importlib.metadata
import json
import re

from lineage_pipelines.capture.blobs import Gaps, some_of
from lineage_pipelines.capture.git.urls import public_url

_NAME = re.compile(r"^Name:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_SEPARATORS = re.compile(r"[-_.]+")


def list_packages() -> tuple[bytes, int, Gaps]:
    """Return the list, how many lines it has, and what could not be told.

    A line is `name==version`, the name as PEP 503 normalises it; lines are sorted. Where two distributions have one
    name, the one on the earlier entry of `sys.path` counts, as it does when it is imported. What did not come from
    an index has its origin behind ` @ `: a URL without credentials (with the commit, for Git), `editable`, or
    `local` for a path of this machine.
    """
    lines: dict[str, str] = {}
    unknown: list[str] = []
    for distribution in importlib.metadata.distributions():
        name, version = _identity(distribution)
        if name is None:
            unknown.append("one without a name")
        elif name not in lines:
            lines[name] = f"{name}=={version or 'unknown'}{_origin(distribution)}"
            unknown += [] if version else [name]
    text = "".join(f"{line}\n" for line in sorted(lines.values()))
    gaps = (f"environment.packages: no version of {some_of(sorted(unknown))}",) if unknown else ()
    return text.encode("utf-8", "backslashreplace"), len(lines), gaps


def _identity(distribution: importlib.metadata.Distribution) -> tuple[str | None, str | None]:
    # Not `distribution.metadata`: it parses all of the description, for hundreds of distributions.
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or distribution.read_text("") or ""
    header = text.replace("\r\n", "\n").partition("\n\n")[0]
    name, version = _NAME.search(header), _VERSION.search(header)
    return _SEPARATORS.sub("-", name[1]).lower() if name else None, version[1] if version else None


def _origin(distribution: importlib.metadata.Distribution) -> str:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "null")
        return f" @ {_describe(origin)}" if isinstance(origin, dict) else ""
    except (ValueError, TypeError, AttributeError, KeyError):
        return " @ unknown"


def _describe(origin: dict[str, dict[str, str]]) -> str:
    url = public_url(str(origin.get("url", "")))
    vcs = origin.get("vcs_info", {})
    if origin.get("dir_info", {}).get("editable"):
        return "editable"
    if url is None:
        return "local"
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url
