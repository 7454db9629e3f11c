"""The statements and their values, and the decisions, in canonical bytes. Standard library only."""

from importlib import import_module


def __getattr__(name: str) -> object:
    return import_module("lineage_pipelines").attribute_of_room(__name__, name)
