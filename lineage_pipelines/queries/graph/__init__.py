"""Where a version came from, and what came from a thing: graphs of what used what and what generated what."""
