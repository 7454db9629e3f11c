"""Explanation: changes in an order, most likely cause first."""
