"""Registry: aliases, approvals, promotion policy, decisions."""
