"""Metafiles: `.dvc`, dvc.lock and dvc.yaml, read strictly without DVC."""
