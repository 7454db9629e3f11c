"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it."""

from importlib import import_module


def __getattr__(name: str) -> object:
    return import_module("lineage_pipelines").attribute_of_room(__name__, name)
