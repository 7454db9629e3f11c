"""Preparation: the stages of `dvc.yaml`, from a delivery to the tables that models read."""
