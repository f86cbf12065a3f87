"""Movements: one immutable line of the ledger each."""
