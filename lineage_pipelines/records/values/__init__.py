"""Values: digests, canonical JSON, codec, names, metrics."""
