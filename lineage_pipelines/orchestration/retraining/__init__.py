"""Retraining: when a model is trained again without anybody asking, and when that would make the same version."""
