"""Public names are still found in the rooms that offered them before the package did."""

from importlib import import_module

import pytest

import lineage_pipelines


@pytest.mark.parametrize("name", sorted(lineage_pipelines.__all__))
def test_a_public_name_keeps_its_earlier_address(name: str) -> None:
    value = getattr(lineage_pipelines, name)
    room = value.__module__.split(".")[1]
    assert getattr(import_module(f"lineage_pipelines.{room}"), name) is value


def test_a_room_offers_no_name_of_another() -> None:
    with pytest.raises(AttributeError):
        import_module("lineage_pipelines.capture").Catalog  # noqa: B018
