"""The bytes that are there: whether they are what is recorded, and private copies of them."""
