"""Attempts with fencing tokens, and the transactional outbox."""
