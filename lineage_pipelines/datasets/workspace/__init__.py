"""Workspace: its state against DVC's records, private copies, pins, sandbox caches."""
