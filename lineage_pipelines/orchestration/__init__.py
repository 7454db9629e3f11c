"""The only room that knows Dagster: DVC nodes and training functions as assets.

The public names are those of `lineage_pipelines`. `from lineage_pipelines.orchestration import model_asset`, and
`lineage_pipelines.orchestration.DvcProjectComponent` in a `defs.yaml`, are their earlier addresses and keep working.
"""

import lineage_pipelines
from lineage_pipelines import __all__ as __all__


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(lineage_pipelines, name)
