"""Source files: which of them training can reach."""
