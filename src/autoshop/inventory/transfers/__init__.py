"""Transfers: pieces on the way from one store to another."""
