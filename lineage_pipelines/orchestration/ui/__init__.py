"""What people see in the Dagster UI: metadata of a materialization."""
