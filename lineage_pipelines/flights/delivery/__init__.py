"""Deliveries of raw data: what an upstream team sends, with and without mistakes."""
