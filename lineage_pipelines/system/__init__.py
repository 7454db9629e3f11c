"""The machine: files, locks, processes and Git."""
