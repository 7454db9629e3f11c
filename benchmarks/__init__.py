"""Side-by-side measurements. Each prints a table with both sides from the same run and asserts nothing about time."""
