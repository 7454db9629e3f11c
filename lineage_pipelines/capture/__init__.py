"""The world as values: Git, source files, libraries, tables, parameters."""

from importlib import import_module


def __getattr__(name: str) -> object:
    return import_module("lineage_pipelines").attribute_of_room(__name__, name)
