"""Half a year in the life of the flights models, for `make demo`."""
