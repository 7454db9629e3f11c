"""The only room that knows SQL: the append-only log, its indexes, and `Catalog`, composed of them."""

from importlib import import_module


def __getattr__(name: str) -> object:
    return import_module("lineage_pipelines").attribute_of_room(__name__, name)
