"""Content-addressed files and the model formats that are safe to load."""
