"""The source files that a training function can reach, by reading alone."""
