"""The only room that knows Dagster: DVC nodes and training functions as assets.

`lineage_pipelines.orchestration.DvcProjectComponent` in a `defs.yaml` is the earlier name of
`lineage_pipelines.DvcProjectComponent` and keeps working.
"""


def __getattr__(name: str) -> object:
    if name != "DvcProjectComponent":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lineage_pipelines.orchestration.components.dvc_project_component import DvcProjectComponent

    return DvcProjectComponent
