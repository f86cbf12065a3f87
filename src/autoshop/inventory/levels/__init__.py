"""Levels: how many of a product a store should have, who is below it, and the digest of every morning."""
