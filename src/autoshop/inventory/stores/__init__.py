"""Stores: the places that hold stock, and the routes between them."""
