"""Stage runs: dvc.yaml stages in a killable child process."""
