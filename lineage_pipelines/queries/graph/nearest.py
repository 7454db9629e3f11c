"""What there is that is called much like something which there is not."""

import difflib
from collections.abc import Iterator
from itertools import islice

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.holders import Listings, plain_name, read_packages

_MOST = 5
_MOST_INSIDE = 2_000
"""So many files of a directory are looked at for names that are near."""


def nearest(catalog: Catalog, text: str, artifacts: ArtifactStore | None, listings: Listings) -> NotFoundError:
    """Return the error that names what the newest versions used and is called much like it."""
    names = sorted(
        {name for summary in catalog.models() for name in _names(catalog, summary.name, artifacts, listings)}
    )
    wanted = plain_name(text.partition("==")[0]) if "==" in text else text
    near = difflib.get_close_matches(wanted, names, n=_MOST, cutoff=0.5)
    same = [name for name in names if name.partition("==")[0] == wanted]
    shown = ", ".join(dict.fromkeys([*same, *near][:_MOST]))
    fix = f"near it: {shown}" if shown else "ask with a path, a digest, a commit, a package==version or model@7"
    return NotFoundError(f"no version is known to have used {text[:140]!r}", where=catalog.url, fix=fix)


def _names(catalog: Catalog, model: str, artifacts: ArtifactStore | None, listings: Listings) -> Iterator[str]:
    entry = catalog.latest(model)
    if entry is None:
        return
    record = entry.record
    yield model
    yield from (snapshot.path for snapshot in record.data)
    for used in (used for stage in record.stages for used in stage.deps):
        yield used.path
        md5 = used.digest.md5 or ""
        inside = listings.files(md5) if md5.endswith(".dir") else None
        yield from (f"{used.path}/{name}" for name in islice(inside or (), _MOST_INSIDE))
    yield from (out.path for stage in record.stages for out in stage.outs)
    yield from (file.path for file in record.code.source.files) if record.code.source else ()
    packages = read_packages(artifacts, record.environment.packages.hex)
    listed = [f"{name}=={version}" for name, version in packages.items()] if packages else ()
    yield from listed or record.artifact.requirements
