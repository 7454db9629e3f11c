"""Event pages: the materializations of an asset, read from Dagster's event log page by page."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

_AT_ONCE = 200


def walk_materializations(instance: dg.DagsterInstance, key: dg.AssetKey, since: int | None) -> Iterator[Any]:
    """Yield the records of an asset's materializations, newest first.

    Args:
        instance: Dagster's instance.
        key: the asset.
        since: only events after this one, by Dagster's storage id; all by default.
    """
    asked = dg.AssetRecordsFilter(asset_key=key, after_storage_id=since)
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(asked, limit=_AT_ONCE, cursor=cursor)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor
