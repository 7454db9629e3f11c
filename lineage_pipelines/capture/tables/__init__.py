"""Files as tables: what they look like, for the record, and as data frames, for training."""
