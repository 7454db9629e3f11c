"""Moved to `lineage_pipelines.capture.trained`."""

from lineage_pipelines.capture.trained import TrainedModel

__all__ = ["TrainedModel"]
