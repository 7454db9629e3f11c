"""Event pages: the materializations of an asset, and those planned, read from Dagster's event log page by page."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import dagster as dg

from lineage_pipelines.orchestration.compat import fetch_planned

_AT_ONCE = 200


def walk_materializations(instance: dg.DagsterInstance, key: dg.AssetKey, since: int | None) -> Iterator[Any]:
    """Yield the records of an asset's materializations, newest first.

    Args:
        instance: Dagster's instance.
        key: the asset.
        since: only events after this one, by Dagster's storage id; all by default.
    """
    return _walk(instance.fetch_materializations, key, since)


def walk_planned(instance: dg.DagsterInstance, key: dg.AssetKey, since: int | None) -> Iterator[Any]:
    """Yield the records of an asset's planned materializations: which runs were launched for it, newest first.

    Args:
        instance: Dagster's instance.
        key: the asset.
        since: only events after this one, by Dagster's storage id; all by default.
    """
    return _walk(partial(fetch_planned, instance), key, since)


def _walk(fetch: Callable[..., Any], key: dg.AssetKey, since: int | None) -> Iterator[Any]:
    asked = dg.AssetRecordsFilter(asset_key=key, after_storage_id=since)
    cursor: str | None = None
    while True:
        page = fetch(asked, limit=_AT_ONCE, cursor=cursor)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor
