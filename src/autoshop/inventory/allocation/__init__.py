"""Allocation: which stores send the pieces of an order, until when they are promised, and whether that was kept."""
