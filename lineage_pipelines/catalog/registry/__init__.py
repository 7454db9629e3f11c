"""Rules that the log enforces on decisions and approvals."""
