"""The only room that knows DVC: what is tracked, how it was prepared, and the very bytes of it."""
