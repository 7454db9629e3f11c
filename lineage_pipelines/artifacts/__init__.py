"""Content-addressed files and the model formats that are safe to load."""

from lineage_pipelines.artifacts.content import content_digest
from lineage_pipelines.artifacts.models import SavedModel, load_model_file, save_model
from lineage_pipelines.artifacts.store import ArtifactStore

__all__ = ["ArtifactStore", "SavedModel", "content_digest", "load_model_file", "save_model"]
