"""Transfers that bring the pieces of an order: asked for by its allocation, held for it all along."""
