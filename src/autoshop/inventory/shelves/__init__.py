"""Shelves: where in a store a product lies."""
