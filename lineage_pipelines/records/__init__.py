"""What is said: values, statements and decisions, in canonical bytes. Standard library only."""
